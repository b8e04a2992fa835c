/**
 * `npm run bench:lifecycle [-- ROUNDS]`: a machine's life through the API beside the same steps by hand, in turn.
 *
 * Both ways make a disk and a seed, start QEMU with the same arguments and end it by QMP `quit`. What the API adds is
 * the request, D1, the host's object, the link and the journal.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHostFacts } from "../agent/host-facts.ts";
import { HostPaths } from "../agent/paths.ts";
import type { VmSpec } from "../protocol/operations.ts";
import { Cloud, type OperationView, type VmView } from "../test/e2e/cloud.ts";
import { ByHand } from "./by-hand.ts";
import { median, ms, quantile, timed } from "./statistics.ts";
import { printTable } from "./table.ts";

const steps = ["create → running", "stop", "start", "delete"] as const;
type Step = (typeof steps)[number];

/** What the API may cost more than the hand, in ms. */
const aims: Record<Step, number> = { "create → running": 60, stop: 40, start: 60, delete: 40 };

const rounds = Number(process.argv[2] ?? 25);
const api = new Map<string, number[]>();
const hand = new Map<string, number[]>();
const add = (to: Map<string, number[]>, step: string, value: number) => to.set(step, [...(to.get(step) ?? []), value]);

const cloud = await Cloud.start();
const work = await mkdtemp(join(tmpdir(), "voidvm-bench-"));
try {
  // The first machine waits for the image; what is measured has a warm one.
  await remove(await cloud.createTiny("warm-up", true));
  const { accelerator, qemuVersion } = await readHostFacts(new HostPaths(cloud.home, work), "auto", true);
  if (accelerator === null) throw new Error("No machine can run on this host");
  const byHand = new ByHand(join(work, "home"), join(work, "run"), await tinyImage(), accelerator);
  for (let round = 0; round < rounds; round++) {
    await throughApi(round);
    await atTheKeyboard(byHand, round);
  }
  print(`QEMU ${qemuVersion}, ${accelerator}, ${rounds} rounds, in turn`);
} finally {
  await cloud.dispose();
  await rm(work, { recursive: true, force: true });
}

async function throughApi(round: number): Promise<void> {
  const wait = { Prefer: "wait=55" };
  const body = { name: `round-${round}`, cpu: 1, memory: 128, disk: 1, os: "tiny", start: true };
  const [created, { body: answer }] = await timed(() => cloud.post<VmView>("/vms", body, wait));
  if (answer.data.status !== "running") throw new Error(`Not running: ${JSON.stringify(answer)}`);
  const { id } = answer.data;
  add(api, "create → running", created);
  add(api, "pause (one QMP command)", (await timed(() => succeed(cloud.post(`/vms/${id}/pause`, undefined, wait))))[0]);
  await succeed(cloud.post(`/vms/${id}/resume`, undefined, wait));
  add(api, "stop", (await timed(() => succeed(cloud.post(`/vms/${id}/stop`, { force: true }, wait))))[0]);
  add(api, "start", (await timed(() => succeed(cloud.post(`/vms/${id}/start`, undefined, wait))))[0]);
  await succeed(cloud.post(`/vms/${id}/stop`, { force: true }, wait));
  add(api, "delete", (await timed(() => succeed(cloud.request("DELETE", `/vms/${id}`, undefined, wait))))[0]);
  add(api, "read one machine list", (await timed(() => cloud.get("/vms")))[0]);
}

async function succeed(call: Promise<{ status: number; body: { data: unknown } }>): Promise<void> {
  const { status, body } = await call;
  const { status: ended } = body.data as OperationView;
  if (status !== 200 || ended !== "succeeded") throw new Error(`${status} ${JSON.stringify(body)}`);
}

async function atTheKeyboard(byHand: ByHand, round: number): Promise<void> {
  const vmId = `vm-${`${round}`.padStart(26, "0")}`;
  const spec: VmSpec = {
    ...{ cpu: 1, memory: 128, disk: 1, network: "user", autostart: false, macAddress: "52:54:00:00:00:01" },
    image: { id: "img-tiny", source: { from: "tiny" } },
    uuid: "00000000-0000-4000-8000-000000000001",
  };
  const [disk] = await timed(() => byHand.makeDisk(vmId, spec.disk));
  const [seed] = await timed(() => byHand.makeSeed(vmId));
  const [spawn, first] = await timed(() => byHand.start(vmId, spec));
  add(hand, "qemu-img", disk);
  add(hand, "genisoimage", seed);
  add(hand, "create → running", disk + seed + spawn);
  const [pause] = await timed(() => first.qmp.execute("stop"));
  add(hand, "pause (one QMP command)", pause);
  add(hand, "stop", (await timed(() => byHand.quit(first)))[0]);
  const [again, second] = await timed(() => byHand.start(vmId, spec));
  add(hand, "start", again);
  await byHand.quit(second);
  add(hand, "delete", (await timed(() => byHand.remove(vmId)))[0]);
}

async function tinyImage(): Promise<string> {
  const folder = join(cloud.home, "agent", "images");
  const name = (await readdir(folder)).find((entry) => entry.startsWith("img-tiny-"));
  if (!name) throw new Error("There is no tiny image");
  return join(folder, name);
}

async function remove({ id }: VmView): Promise<void> {
  await succeed(cloud.request("DELETE", `/vms/${id}?force=true`, undefined, { Prefer: "wait=55" }));
}

function print(title: string): void {
  const of = (map: Map<string, number[]>, step: string) => map.get(step) ?? [];
  console.log(`\n${title}\n`);
  printTable(
    ["", "API, median", "API, p90", "by hand, median", "ratio", "more", "aim", "met"],
    steps.map((step) => {
      const [mine, theirs] = [median(of(api, step)), median(of(hand, step))];
      const more = mine - theirs;
      return [
        ...[step, ms(mine), ms(quantile(of(api, step), 0.9)), ms(theirs), (mine / theirs).toFixed(2), ms(more)],
        ...[`≤ ${aims[step]} ms more`, more <= aims[step] ? "yes" : "no"],
      ];
    }),
  );
  console.log("");
  const pause = median(of(api, "pause (one QMP command)"));
  const create = median(of(hand, "create → running"));
  const [disk, seed] = [median(of(hand, "qemu-img")), median(of(hand, "genisoimage"))];
  console.log("Where the milliseconds go (medians):");
  console.log(
    `  by hand: qemu-img ${ms(disk)}, genisoimage ${ms(seed)}, QEMU until its monitor answers ${ms(create - disk - seed)}`,
  );
  console.log(`  an authenticated read through the API: ${ms(median(of(api, "read one machine list")))}`);
  console.log(
    `  an operation that is one QMP command (pause): ${ms(pause)}; by hand ${ms(median(of(hand, "pause (one QMP command)")))}`,
  );
  console.log(
    "  so what the way there and back costs, request, D1, object, link and journal, is about the difference.",
  );
}
