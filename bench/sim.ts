/**
 * `npm run sim -- --hosts 1000 --vms 20`: a fleet in one process that speaks the real link with real keys, for load and
 * for faults. It ends with 1 where an operation was lost or the edge says something else than the hosts are.
 *
 * --edge URL      an edge that runs; without it, one of its own is started. VOIDVM_USERNAME and VOIDVM_PASSWORD log in there
 * --script FILE   faults, in JSON: docs/simulator.md
 * --rate N        operations a second, while the script runs
 * --seconds N     how long, where there is no script
 * --seed N        for the same choices again
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ApiClient } from "./sim/api-client.ts";
import { EdgeProcess } from "./sim/edge-process.ts";
import { FaultScript } from "./sim/faults.ts";
import { Fleet } from "./sim/fleet.ts";
import { ends, load } from "./sim/load.ts";
import { differences, wrongEnds } from "./sim/truth.ts";
import { median, ms, quantile, timed } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "100" },
    vms: { type: "string", default: "20" },
    edge: { type: "string" },
    script: { type: "string" },
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
  },
});

const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;

async function main(): Promise<number> {
  const script = values.script ? FaultScript.parse(JSON.parse(await readFile(values.script, "utf8"))) : [];
  const own = values.edge ? null : await EdgeProcess.start();
  let fleet: Fleet | null = null;
  try {
    const client = new ApiClient(new URL(values.edge ?? (own?.origin as string)).origin);
    await client.login(process.env["VOIDVM_USERNAME"] ?? "admin", process.env["VOIDVM_PASSWORD"] ?? "admin123");
    if (own) await client.liftLimits();
    const options = { hosts: Number(values.hosts), vms: Number(values.vms), seed: Number(values.seed) };
    const [enrolling, made] = await timed(() => Fleet.enrolled(client, options));
    fleet = made;
    console.log(`${options.hosts} hosts enrolled in ${seconds(enrolling)}`);
    const [connecting] = await timed(() => made.start());
    console.log(`all connected and synchronised in ${seconds(connecting)}`);
    const [known, missing] = await timed(() => differences(made, 120_000));
    console.log(`${options.hosts * options.vms} machines known in ${seconds(known)}, ${missing.length} differences`);
    return await underFaults(made, script);
  } finally {
    fleet?.stop();
    await own?.dispose();
  }
}

async function underFaults(fleet: Fleet, script: FaultScript): Promise<number> {
  const last = Math.max(0, ...script.map((step) => step.at + ("seconds" in step ? (step.seconds ?? 0) : 0)));
  const duration = script.length > 0 ? last + 1 : Number(values.seconds);
  const rate = fleet.hosts.some(({ vms }) => vms.ids.length > 0) ? Number(values.rate) : 0;
  const [result] = await Promise.all([load(fleet, rate, duration), fleet.suffer(script)]);
  await fleet.untilSynced(120_000);
  const ended = await ends(fleet, result.operations, 120_000);
  const wrong = [...wrongEnds(fleet, ended.values()), ...(await differences(fleet, 60_000))];

  const counts = Map.groupBy(ended.values(), ({ status }) => status);
  const outcomes = [...counts].map(([status, all]) => `${all.length} ${status}`).join(", ") || "none";
  console.log(`operations: ${outcomes}; ${result.refused} refused by state, ${result.unanswered} without an answer`);
  const { acceptMs } = result;
  if (acceptMs.length > 0) {
    console.log(`request to host's journal: ${ms(median(acceptMs))} (median), ${ms(quantile(acceptMs, 0.99))} (p99)`);
  }
  for (const line of wrong.slice(0, 20)) console.log(`wrong: ${line}`);
  console.log(wrong.length === 0 ? "The edge says what the hosts are; no operation was lost" : `${wrong.length} wrong`);
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main();
