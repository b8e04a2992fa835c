/** Operations at a steady rate on machines of a fleet, and what became of each. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../../protocol/rest.ts";
import { ApiRefusal } from "./api-client.ts";
import type { Fleet } from "./fleet.ts";

export interface Load {
  /** Ids of the operations that the API accepted. */
  readonly operations: string[];
  /** Of each that its host has taken: from the request to the host's journal, in ms. */
  readonly acceptMs: number[];
  /** That the state of the machine forbade by then, as is right. */
  refused: number;
  /** That got no answer, as while the edge is down. Whether they were accepted is not known. */
  unanswered: number;
}

/** How many requests are under way at most: an edge that can't keep up slows the load down, and is not buried under it. */
const mostUnderWay = 64;

const actions = { running: ["pause", "stop", "reset"], paused: ["resume"], stopped: ["start"] } as const;

/** `rate` a second for so long, or as many as the edge can take; resolves when each request has its answer. */
export async function load(fleet: Fleet, rate: number, seconds: number): Promise<Load> {
  const result: Load = { operations: [], acceptMs: [], refused: 0, unanswered: 0 };
  const began = performance.now();
  const underWay = new Set<Promise<void>>();
  const startedAt = new Map<string, number>();
  for (let n = 0; n < rate * seconds; n++) {
    const due = began + (n * 1000) / rate;
    if (due > began + seconds * 1000 || performance.now() > began + seconds * 1000) break;
    await sleep(Math.max(0, due - performance.now()));
    if (underWay.size >= mostUnderWay) await Promise.race(underWay);
    const asked = ask(fleet, result, startedAt).finally(() => underWay.delete(asked));
    underWay.add(asked);
  }
  await Promise.all(underWay);
  await untilAccepted(fleet, result.operations);
  for (const [id, at] of startedAt) {
    const accepted = fleet.acceptedAt.get(id);
    if (accepted !== undefined) result.acceptMs.push(accepted - at);
  }
  return result;
}

/** How each ended. Errors: one has not ended by then. */
export async function ends(fleet: Fleet, ids: readonly string[], timeoutMs: number): Promise<Map<string, Operation>> {
  const deadline = Date.now() + timeoutMs;
  const ended = new Map<string, Operation>();
  for (;;) {
    const open = ids.filter((id) => !ended.has(id));
    if (open.length === 0) return ended;
    if (Date.now() > deadline) throw new Error(`${open.length} operations have not ended, among them ${open[0]}`);
    for (let from = 0; from < open.length; from += 50) {
      const query = open.slice(from, from + 50).map((id) => `id=${id}`);
      const path = `/operations?limit=100&${query.join("&")}`;
      const { operations } = await fleet.client.call<{ operations: Operation[] }>("GET", path);
      for (const operation of operations) if (operation.finishedAt !== null) ended.set(operation.id, operation);
    }
    await sleep(200);
  }
}

async function ask(fleet: Fleet, result: Load, startedAt: Map<string, number>): Promise<void> {
  const picked = fleet.pickVm();
  if (!picked) throw new Error("The fleet has no machine to act on: give it some with --vms");
  const possible = actions[picked.vm.power];
  const action = possible[Math.floor(fleet.random() * possible.length)];
  const at = performance.now();
  try {
    const { id } = await fleet.client.call<{ id: string }>("POST", `/vms/${picked.vm.vmId}/${action}`);
    result.operations.push(id);
    startedAt.set(id, at);
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 409) result.refused++;
    else result.unanswered++;
  }
}

/** Those that a fault keeps from their hosts are not waited for: `ends` does. */
async function untilAccepted(fleet: Fleet, ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && ids.some((id) => !fleet.acceptedAt.has(id))) await sleep(20);
}
