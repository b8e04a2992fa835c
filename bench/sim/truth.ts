/** Whether the edge says what the simulated hosts are, and whether each operation took effect as it says. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation, Vm } from "../../protocol/rest.ts";
import type { Fleet } from "./fleet.ts";

/** Empty: they agree. Machines of hosts that are not in the fleet are not looked at. */
export async function differences(fleet: Fleet, timeoutMs: number): Promise<string[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await compare(fleet);
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(500);
  }
}

/** What is wrong with an operation's end, given how often it took effect; empty for all that are well. */
export function wrongEnds(fleet: Fleet, operations: Iterable<Operation>): string[] {
  const wrong: string[] = [];
  for (const { id, status, kind, error } of operations) {
    const effects = fleet.hosts.reduce((sum, { vms }) => sum + (vms.effects.get(id) ?? 0), 0);
    const expected =
      status === "succeeded" ? [1] : status === "unknown" ? [0, 1] : status === "cancelled" ? [0] : [0, 1];
    if (!expected.includes(effects))
      wrong.push(`${kind} ${id} is ${status} ${error?.code ?? ""} and took effect ${effects} times`);
  }
  return wrong;
}

async function compare(fleet: Fleet): Promise<string[]> {
  const truth = new Map<string, { status: string; hostId: string }>();
  for (const { identity, vms } of fleet.hosts) {
    for (const id of vms.ids) {
      const report = vms.look(id);
      const status = report?.fault === "crashed" ? "error" : (report?.power ?? "");
      truth.set(id, { status, hostId: identity.hostId });
    }
  }
  const own = new Set(fleet.hosts.map(({ identity }) => identity.hostId));
  const wrong: string[] = [];
  for (const vm of await allVms(fleet)) {
    if (!own.has(vm.hostId)) continue;
    const real = truth.get(vm.id);
    truth.delete(vm.id);
    if (!real) wrong.push(`${vm.id} is ${vm.status}, and its host doesn't have it`);
    else if (real.hostId !== vm.hostId) wrong.push(`${vm.id} is shown on ${vm.hostId} and is on ${real.hostId}`);
    else if (real.status !== vm.status) wrong.push(`${vm.id} is shown as ${vm.status} and is ${real.status}`);
  }
  return [...wrong, ...[...truth].map(([id, { status }]) => `${id} is ${status} on its host, and not known`)];
}

async function allVms({ client }: Fleet): Promise<Vm[]> {
  const all: Vm[] = [];
  for (let page = 1; ; page++) {
    const path = `/vms?limit=100&page=${page}&sort=name`;
    const { vms, pagination } = await client.call<{ vms: Vm[]; pagination: { pages: number } }>("GET", path);
    all.push(...vms);
    if (page >= pagination.pages) return all;
  }
}
