/** All hosts as one: the sum of what each said last. Pure. */
import type { HostSample } from "../../protocol/samples.ts";

export function sumOfHosts(samples: readonly HostSample[]): HostSample {
  const sum = (value: (sample: HostSample) => number) => samples.reduce((total, sample) => total + value(sample), 0);
  const cores = sum(({ cpu }) => cpu.cores);
  const [total, used] = [sum(({ memory }) => memory.total), sum(({ memory }) => memory.used)];
  return {
    hostId: null,
    at:
      samples
        .map(({ at }) => at)
        .toSorted()
        .at(-1) ?? new Date(0).toISOString(),
    // A host with more cores counts for more.
    cpu: { usage: tenths(sum(({ cpu }) => cpu.usage * cpu.cores) / Math.max(cores, 1)), cores },
    memory: { total: tenths(total), used: tenths(used), usage: tenths((100 * used) / Math.max(total, 1)) },
    disk: { read: sum(({ disk }) => disk.read), write: sum(({ disk }) => disk.write) },
    network: { rx: sum(({ network }) => network.rx), tx: sum(({ network }) => network.tx) },
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
