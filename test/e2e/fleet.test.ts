/** A small fleet of simulated hosts under faults, at a real edge that is killed in the middle: nothing is lost, and nothing happens twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiClient } from "../../bench/sim/api-client.ts";
import { EdgeProcess } from "../../bench/sim/edge-process.ts";
import { FaultScript } from "../../bench/sim/faults.ts";
import { Fleet } from "../../bench/sim/fleet.ts";
import { ends, load } from "../../bench/sim/load.ts";
import { differences, wrongEnds } from "../../bench/sim/truth.ts";

let edge: EdgeProcess;
let fleet: Fleet;
beforeAll(async () => {
  edge = await EdgeProcess.start();
  const client = new ApiClient(edge.origin);
  await client.login("admin", "admin123");
  await client.liftLimits();
  fleet = await Fleet.enrolled(client, { hosts: 20, vms: 4 });
  await fleet.start();
});
afterAll(async () => {
  fleet?.stop();
  await edge?.dispose();
});

/** The oracle after every fault. */
async function expectNothingLost(operations: readonly string[]) {
  await fleet.untilSynced(120_000);
  const ended = await ends(fleet, operations, 120_000);
  expect(wrongEnds(fleet, ended.values())).toEqual([]);
  expect(await differences(fleet, 60_000)).toEqual([]);
  return [...ended.values()].map(({ status }) => status);
}

describe("a fleet", () => {
  it("whose hosts report machines that the edge has forgotten is taken in as it is", async () => {
    expect(await differences(fleet, 60_000)).toEqual([]);
  });

  it("loses nothing under disconnects, restarts, lost answers, doubled frames and delays", async () => {
    const script = FaultScript.parse([
      { at: 0, percent: 30, fault: "duplicate", seconds: 4 },
      { at: 0.2, percent: 30, fault: "slow", ms: 300, seconds: 3 },
      { at: 0.5, percent: 50, fault: "disconnect" },
      { at: 1, percent: 30, fault: "drop-answers", part: 0.3, seconds: 2 },
      { at: 1.5, percent: 30, fault: "restart" },
      { at: 2, percent: 20, fault: "crash-vm" },
      { at: 2, percent: 20, fault: "delay", ms: 200, seconds: 2 },
      { at: 2.5, percent: 10, fault: "report-foreign" },
    ]);
    const [{ operations, unanswered }] = await Promise.all([load(fleet, 20, 5), fleet.suffer(script)]);
    expect(unanswered).toBe(0);
    expect(operations.length).toBeGreaterThan(20);
    expect(new Set(await expectNothingLost(operations))).toEqual(new Set(["succeeded"]));
  });

  it("whose journals are lost says unknown, and never does anything twice", async () => {
    const script = FaultScript.parse([
      { at: 0, percent: 100, fault: "slow", ms: 1500, seconds: 3 },
      { at: 1, percent: 50, fault: "lose-journal" },
    ]);
    const [{ operations }] = await Promise.all([load(fleet, 20, 2), fleet.suffer(script)]);
    const statuses = new Set(await expectNothingLost(operations));
    expect(statuses).toEqual(new Set(["succeeded", "unknown"]));
  });

  it("comes back by itself when the edge was killed, and what was under way ends once", async () => {
    const restart = async () => {
      await sleep(1_000);
      await edge.kill();
      await edge.up();
    };
    const [during] = await Promise.all([load(fleet, 20, 3), restart()]);
    // A slow edge may have been away for all of that.
    const after = await load(fleet, 20, 1);
    const statuses = await expectNothingLost([...during.operations, ...after.operations]);
    expect(new Set(statuses)).toEqual(new Set(["succeeded"]));
  });
});
