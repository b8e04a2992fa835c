/**
 * `npm run bench:streams`: keystrokes and bytes from a client through the edge and an agent to a unix socket, beside two
 * WebSockets that a Node process joins; memory while readers stall; and the API's answers while consoles run flat out.
 *
 * Everything runs on this machine and shares its cores, so what is compared is measured in turn, and only the ratios
 * within one run count. VOIDVM_BENCH_ROUNDS sets how many rounds there are; VOIDVM_BENCH_MB how much a round moves.
 */
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { median, ms, quantile, timed } from "./statistics.ts";
import { Lab, type Way } from "./streams/lab.ts";
import type { Line } from "./streams/line.ts";
import { ports } from "./streams/ports.ts";

const rounds = Number(process.env["VOIDVM_BENCH_ROUNDS"] ?? 5);
const megabytes = Number(process.env["VOIDVM_BENCH_MB"] ?? 200);
const keystrokes = 2_000;
const stalledStreams = 4;
const waitingBytes = 500_000_000;
const consoles = 4;
const controls = 300;
/** RFB's KeyEvent has 8 bytes. */
const keystroke = Buffer.alloc(8, "k");

interface Measured {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly megabytesPerSecond: number;
}

async function main(): Promise<void> {
  const lab = await Lab.start();
  try {
    console.log(`${cpus().length} cores, ${rounds} rounds of ${megabytes} MB, ${new Date().toISOString()}\n`);
    const [aware, unaware, relay, direct] = await measure([lab.edge(true), lab.edge(false), lab.relay(), lab.direct()]);
    if (!aware || !unaware || !relay || !direct) throw new Error("Not all was measured");
    print([aware, unaware, relay, direct]);
    const stalled = await stall(lab);
    const control = await controlUnderLoad(lab);
    const ratio = (a: number, b: number) => (a / b).toFixed(2);
    const aims: [what: string, met: boolean][] = [
      [
        `a keystroke takes at most 1.5 times the relay's (${ratio(aware.p50, relay.p50)})`,
        aware.p50 <= 1.5 * relay.p50,
      ],
      [
        `bytes come at least as fast as through the relay (${ratio(aware.megabytesPerSecond, relay.megabytesPerSecond)})`,
        aware.megabytesPerSecond >= relay.megabytesPerSecond,
      ],
      [`a stalled reader costs less than 8 MiB (${stalled.toFixed(1)})`, stalled < 8],
      [`the API's p99 is within 2 times of that at rest (${control.toFixed(2)})`, control <= 2],
    ];
    console.log(`\n${aims.map(([what, met]) => `${met ? "met    " : "not met"}  ${what}`).join("\n")}`);
  } finally {
    await lab.stop();
  }
}

async function measure(ways: readonly Way[]): Promise<Measured[]> {
  const series = ways.map((way) => ({ way, trips: [] as number[], rates: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { way, trips, rates } of series) {
      trips.push(...(await roundTrips(way)));
      if (way.bulk) rates.push(await rateOf(way));
    }
  }
  return series.map(({ way: { name }, trips, rates }) => ({
    ...{ name, p50: median(trips), p99: quantile(trips, 0.99), megabytesPerSecond: median(rates) },
  }));
}

/** One keystroke after the other, each of which comes back before the next. */
async function roundTrips(way: Way): Promise<number[]> {
  const line = await way.open(ports.echo);
  const trips: number[] = [];
  for (let n = 1; n <= keystrokes + 200; n++) {
    const [trip] = await timed(async () => {
      line.send(keystroke);
      await line.hears(n * keystroke.length);
    });
    // The first ones warm it up.
    if (n > 200) trips.push(trip);
  }
  line.close();
  return trips;
}

async function rateOf(way: Way): Promise<number> {
  const line = await way.open(ports.source);
  const bytes = megabytes * 1_000_000;
  const [duration] = await timed(async () => {
    line.send(Buffer.from(`${bytes}`));
    await line.hears(bytes);
  });
  line.close();
  return megabytes / (duration / 1000);
}

/** What one reader that stops reading costs edge and agent together, in MiB, while 500 MB wait for it. */
async function stall(lab: Lab): Promise<number> {
  const before = lab.memory();
  const lines: Line[] = [];
  for (let n = 0; n < stalledStreams; n++) {
    const line = await lab.edge(true).open(ports.source);
    line.send(Buffer.from(`${waitingBytes}`));
    line.socket.pause();
    lines.push(line);
  }
  await sleep(5_000);
  const after = lab.memory();
  const [first] = lines as [Line];
  const got = lines.map(({ bytes }) => bytes);
  first.socket.resume();
  await first.hears(waitingBytes);
  for (const line of lines) line.close();
  const cost = (part: "workerd" | "agent") => (after[part] - before[part]) / stalledStreams;
  console.log(
    `\n${stalledStreams} readers stall after ${Math.max(...got)} bytes: MiB for each in workerd ${cost("workerd").toFixed(1)}, in the agent ${cost("agent").toFixed(1)}; one reads on and gets all ${waitingBytes / 1e6} MB`,
  );
  return cost("workerd") + cost("agent");
}

/** How many times longer the API's p99 is while consoles run flat out: pause and resume, through the link. */
async function controlUnderLoad(lab: Lab): Promise<number> {
  const rest = await controlTrips(lab);
  const lines: Line[] = [];
  for (let n = 0; n < consoles; n++) {
    const line = await lab.edge(true).open(ports.source);
    line.send(Buffer.from(`${Number.MAX_SAFE_INTEGER}`));
    lines.push(line);
  }
  await sleep(500);
  const busy = await controlTrips(lab);
  for (const line of lines) line.close();
  const tell = (trips: readonly number[]) => `p50 ${ms(median(trips))}, p99 ${ms(quantile(trips, 0.99))}`;
  console.log(
    `\nan operation through the link, at rest: ${tell(rest)}; while ${consoles} consoles run flat out: ${tell(busy)}`,
  );
  return quantile(busy, 0.99) / quantile(rest, 0.99);
}

async function controlTrips(lab: Lab): Promise<number[]> {
  const trips: number[] = [];
  for (let n = 0; n < controls; n++) {
    const action = n % 2 === 0 ? "pause" : "resume";
    const [trip] = await timed(() => lab.site.act(lab.vmId, action));
    trips.push(trip);
  }
  return trips;
}

function print(measured: readonly Measured[]): void {
  console.log(`${"".padEnd(16)}${["p50 ms", "p99 ms", "MB/s"].map((head) => head.padStart(9)).join("")}`);
  for (const { name, p50, p99, megabytesPerSecond } of measured) {
    const rate = Number.isNaN(megabytesPerSecond) ? "–" : megabytesPerSecond.toFixed(0);
    const cells = [p50.toFixed(3), p99.toFixed(3), rate];
    console.log(`${name.padEnd(16)}${cells.map((cell) => cell.padStart(9)).join("")}`);
  }
}

await main();
