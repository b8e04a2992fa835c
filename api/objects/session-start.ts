/**
 * How a session begins and ends: a higher epoch than any before is stored, then the agent is welcomed and older sockets
 * are closed. Whatever a replaced session still says is of an older epoch.
 *
 * Two agents with one key would replace each other for ever. The third time within a minute the host is quarantined.
 */
import { type AgentFrame, closeCodes, linkLimits, linkProtocol } from "../../protocol/agent-link.ts";
import { iso } from "./frames.ts";
import type { HostParts } from "./host-parts.ts";

export async function beginSession(
  parts: HostParts,
  socket: WebSocket,
  hello: Extract<AgentFrame, { type: "hello" }>,
): Promise<void> {
  const { session, sockets, outbox, env } = parts;
  if (sockets.epochOf(socket) > 0) return socket.close(closeCodes.malformed, "A session says hello once");
  const { lowest, highest } = hello.protocol;
  if (lowest > linkProtocol.highest || highest < linkProtocol.lowest) {
    const advice = `Speak protocol ${linkProtocol.lowest} to ${linkProtocol.highest}: update the agent`;
    return socket.close(closeCodes.protocol, advice);
  }
  if (session.current.quarantined) return socket.close(closeCodes.quarantined, quarantineAdvice);
  if (replacesOnceTooOften(parts, Date.now())) return quarantine(parts);
  const { hostId, epoch: last, journalId, eventSequence } = session.current;
  // An edge that was restored from a backup has forgotten epochs which the agent has seen.
  const epoch = Math.max(last, hello.greatestEpoch) + 1;
  session.update({
    epoch,
    journalId: hello.journalId,
    bootId: hello.bootId,
    eventSequence: journalId === hello.journalId ? eventSequence : 0,
    connected: true,
    synced: false,
    socketGoneAt: null,
    features: hello.features,
  });
  session.forgetReport();
  sockets.begin(socket, epoch);
  sockets.closeAllBut(socket, closeCodes.replaced, "Another connection of this host has taken over");
  const { facts, agentVersion } = hello;
  const updatable = session.supports("update");
  outbox.addChange({ type: "host-online", at: iso(), epoch, facts, agentVersion, updatable });
  const protocol = Math.min(highest, linkProtocol.highest);
  sockets.send(socket, {
    type: "welcome",
    epoch,
    hostId,
    protocol,
    pingIntervalMs: linkLimits.pingIntervalMs,
    deadMs: linkLimits.agentDeadMs,
    // An agent of version 1 takes no field that it doesn't know.
    ...(protocol >= 2 && env.VOIDVM_VERSION ? { edgeVersion: env.VOIDVM_VERSION } : {}),
  });
  await parts.settle();
}

/** The session is over; the host may come back. */
export function endSession({ session, outbox }: HostParts): void {
  session.update({ connected: false, synced: false, socketGoneAt: null });
  outbox.addChange({ type: "host-offline", at: iso(), epoch: session.current.epoch });
}

const quarantineAdvice = "Two agents use this host's key: nothing is done until an administrator has decided";

/** Counts the replacement of a living session. An agent alone replaces none but those that fell silent. */
function replacesOnceTooOften({ session, sockets }: HostParts, now: number): boolean {
  const { connected, replacedAt } = session.current;
  if (!connected || !sockets.current()) return false;
  const recent = [...replacedAt.filter((at) => at > now - linkLimits.cloneWindowMs), now];
  session.update({ replacedAt: recent });
  return recent.length >= linkLimits.cloneReplacements;
}

async function quarantine(parts: HostParts): Promise<void> {
  const { session, sockets, outbox } = parts;
  const { epoch } = session.current;
  session.update({ quarantined: true, connected: false, synced: false, replacedAt: [] });
  sockets.closeAllBut(null, closeCodes.quarantined, quarantineAdvice);
  outbox.addChange({ type: "host-quarantined", at: iso(), epoch });
  await parts.settle();
}

/** An administrator has decided: the next agent that dials is taken for the host. */
export async function release(parts: HostParts): Promise<void> {
  const { session, outbox } = parts;
  session.update({ quarantined: false, replacedAt: [] });
  outbox.addChange({ type: "host-released", at: iso(), epoch: session.current.epoch });
  await parts.settle();
}
