/**
 * How machines are, as subscriptions begin with it and go on with it. All machines of a user may be more than a
 * connection may be sent unread, so they go out in pieces, in the order of their ids, each when there is room for it.
 *
 * A machine's events are told from the one on that its piece was read after; until then its piece is still to come.
 */
import { type PresentVm, readPresentVms } from "../../db/present.ts";
import type { VmStatusMessage } from "../../protocol/client-socket.ts";
import type { Env } from "../env.ts";
import type { Connection, Session, Subscription } from "./hub-connection.ts";

/** Machines up to this id were told as they were after the event `at`. */
export interface Piece {
  /** Null: all that there are beyond the piece before. */
  readonly through: string | null;
  readonly at: number;
}

const pieceSize = 1_000;

/** The next machines after those of the pieces that there were. */
export async function readPiece(
  env: Env,
  { state }: Connection,
  before: readonly Piece[],
): Promise<{ readonly pieces: readonly Piece[]; readonly rows: readonly PresentVm[]; readonly at: number }> {
  const after = before.at(-1)?.through ?? "";
  const { at, rows } = await readPresentVms(env.DB, state.session as Session, { after, limit: pieceSize });
  const through = rows.length < pieceSize ? null : (rows.at(-1)?.id ?? null);
  return { pieces: [...before, { through, at }], rows, at };
}

/** Sends each connection that has room the next piece of what it has not been told yet. False: there was none to send. */
export async function sendNextPieces(env: Env, connections: readonly Connection[]): Promise<boolean> {
  let isAny = false;
  for (const connection of connections) {
    const unfinished = connection.isFull ? undefined : connection.state.subscriptions.find(isUnfinished);
    if (!unfinished) continue;
    const { pieces, rows } = await readPiece(env, connection, unfinished.pieces ?? []);
    // It may have ended or begun anew in the meantime.
    const { subscriptions } = connection.state;
    if (!subscriptions.includes(unfinished)) continue;
    connection.update({
      subscriptions: subscriptions.map((one) => (one === unfinished ? { ...one, pieces } : one)),
    });
    sendStatuses(connection, rows);
    isAny = true;
  }
  return isAny;
}

/** The last event that is in what a subscription was told of a machine; endless where that is still to come. */
export function toldThrough({ pieces, since }: Subscription, vmId: string | null): number {
  if (!pieces || vmId === null) return since;
  return pieces.find(({ through }) => through === null || vmId <= through)?.at ?? Infinity;
}

export function sendStatuses(
  connection: Connection,
  vms: readonly (Pick<PresentVm, "id" | "name"> & { readonly status: VmStatusMessage["status"] })[],
): void {
  for (const { id, name, status } of vms) {
    connection.send({ type: "vm-status", data: { vmId: id, name, status, cpu: null, memory: null, network: null } });
  }
}

function isUnfinished({ pieces }: Subscription): boolean {
  return pieces !== undefined && pieces.at(-1)?.through !== null;
}
