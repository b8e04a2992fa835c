/**
 * Machines that a host has and D1 doesn't know: the host is asked what they are, and they become an administrator's. They are
 * never deleted, whatever D1 has forgotten.
 *
 * A machine that belongs to another host is dropped and written into the audit trail.
 */
import { type Adopted, sortMachines } from "../../db/adoption.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { iso } from "./frames.ts";
import type { HostParts } from "./host-parts.ts";

/** Asks D1 whose the reported machines are, and the host what the unknown ones are. D1 must have all that came before. */
export async function account(parts: HostParts): Promise<void> {
  const { session, sockets, outbox, env } = parts;
  const { hostId, epoch } = session.current;
  const socket = sockets.current();
  if (!socket) return;
  let sorted: Awaited<ReturnType<typeof sortMachines>>;
  try {
    sorted = await sortMachines(env.DB, hostId, session.reported("vm"));
  } catch (error) {
    const { message } = error as Error;
    console.error(JSON.stringify({ level: "error", source: "host-link", hostId, message: `Accounting: ${message}` }));
    return;
  }
  const { unknown, foreign } = sorted;
  if (foreign.length > 0) outbox.addChange({ type: "vms-foreign", at: iso(), vmIds: foreign });
  const described = new Set(session.reported("described"));
  const vmIds = unknown.filter((id) => !described.has(id)).slice(0, linkLimits.describePageSize);
  if (vmIds.length === 0 || !session.supports("describe")) return session.update({ unaccounted: false });
  session.addReported("described", vmIds);
  sockets.send(socket, { type: "describe", epoch, vmIds });
}

/** The host's answer: D1 takes the machines in, and what is left is asked for next. */
export async function adopt(parts: HostParts, vms: readonly Adopted[]): Promise<void> {
  const { session, outbox } = parts;
  const described = new Set(session.reported("described"));
  // Only what was asked for, so that a host can't bring in more than it has reported.
  const wanted = vms.filter(({ vm }) => described.has(vm.vmId));
  if (wanted.length > 0) outbox.addChange({ type: "vms-adopted", at: iso(), vms: wanted });
  await parts.settle();
  await account(parts);
  await parts.settle();
}
