/** Many simulated hosts at an edge: how fast orders reach them, and what becomes of them when the edge is killed. */
import { median, quantile } from "../statistics.ts";
import { ApiClient } from "../sim/api-client.ts";
import { EdgeProcess } from "../sim/edge-process.ts";
import { Fleet } from "../sim/fleet.ts";
import { ends, type Load, load } from "../sim/load.ts";
import { differences, wrongEnds } from "../sim/truth.ts";

export interface Latency {
  /** ms. */
  readonly p50: number;
  readonly p99: number;
}

export interface FleetFigures {
  readonly hosts: number;
  /** Of the edge's runtime, in MiB. */
  readonly edgeAlone: number;
  readonly edgeWithHosts: number;
  readonly idle: Latency;
  /** At each of the plan's rates, with what came of it. */
  readonly busy: readonly (Latency & { readonly asked: number; readonly perSecond: number })[];
  /** From the kill of the edge, and from its port being open again, until every host is synchronised, in ms. */
  readonly backAfterKill: number;
  readonly backAfterStart: number;
  readonly operations: number;
  /** What was lost or is shown wrongly; empty where nothing is. */
  readonly wrong: readonly string[];
}

export interface FleetPlan {
  readonly hosts: number;
  /** Operations a second, one rate after the other. */
  readonly rates: readonly number[];
  readonly seconds: number;
}

export async function measureFleet({ hosts, rates, seconds }: FleetPlan): Promise<FleetFigures> {
  const edge = await EdgeProcess.start();
  let fleet: Fleet | null = null;
  try {
    const client = new ApiClient(edge.origin);
    await client.login("admin", "admin123");
    await client.liftLimits();
    const edgeAlone = await edge.workerdMib();
    fleet = await Fleet.enrolled(client, { hosts, vms: 2 });
    await fleet.start();
    const missing = await differences(fleet, 120_000);
    if (missing.length > 0) throw new Error(`The edge has not taken all machines in: ${missing[0]}`);
    const edgeWithHosts = await edge.workerdMib();

    const idle = await load(fleet, 2, 2 * seconds);
    const loads: { asked: number; result: Load }[] = [];
    for (const asked of rates) loads.push({ asked, result: await load(fleet, asked, seconds) });
    const [killed, again] = await Promise.all([restarted(edge, fleet), load(fleet, 20, 15)]);
    const operations = [idle, again, ...loads.map(({ result }) => result)].flatMap((one) => one.operations);
    const ended = await ends(fleet, operations, 120_000);
    const wrong = [...wrongEnds(fleet, ended.values()), ...(await differences(fleet, 120_000))];
    return {
      ...{ hosts, edgeAlone, edgeWithHosts, ...killed, operations: operations.length, wrong },
      idle: latencyOf(idle.acceptMs),
      busy: loads.map(({ asked, result }) => {
        return { ...latencyOf(result.acceptMs), asked, perSecond: (1000 * result.operations.length) / result.tookMs };
      }),
    };
  } finally {
    fleet?.stop();
    await edge.dispose();
  }
}

async function restarted(edge: EdgeProcess, fleet: Fleet) {
  const killedAt = performance.now();
  await edge.kill();
  await edge.up();
  const openAt = performance.now();
  await fleet.untilSynced(300_000);
  return { backAfterKill: performance.now() - killedAt, backAfterStart: performance.now() - openAt };
}

function latencyOf(acceptMs: readonly number[]): Latency {
  return { p50: median(acceptMs), p99: quantile(acceptMs, 0.99) };
}
