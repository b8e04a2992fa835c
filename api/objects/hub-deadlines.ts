/** When a hub has to look at its connections by itself, and what it ends then. */
import { socketLimits } from "../../protocol/client-socket.ts";
import type { Connection } from "./hub-connection.ts";
import { authDeadline } from "./hub-entrance.ts";
import { deadlineOf } from "./hub-window.ts";

/** For those who change the database by hand, and for calls that were lost. */
const judgeEveryMs = 300_000;

/** In ms since 1970. */
export function deadlinesOf(connection: Connection): number[] {
  const { session, window } = connection.state;
  if (!connection.isOpen) return [];
  if (!session) return [authDeadline(connection)];
  return [session.expiresAt, session.judgedAt + judgeEveryMs, deadlineOf(window)].filter((time) => time !== null);
}

/** Whether what it may do must be asked for again, of one that has said who it is. */
export function mustBeJudged({ state }: Connection, now: number): boolean {
  return now >= (state.session?.judgedAt ?? now) + judgeEveryMs;
}

/** Of one that has said nothing in time, or has lost the right to be here, or doesn't read. */
export function closeOverdue(connection: Connection, now: number): void {
  const { session, window } = connection.state;
  const isSilent = !session && now >= authDeadline(connection);
  if (isSilent) connection.close("unauthenticated", `Nobody said who this is in ${socketLimits.authMs / 1000} s`);
  if ((session?.expiresAt ?? Infinity) <= now)
    connection.close("unauthenticated", "The token has expired: make a new one");
  if ((deadlineOf(window) ?? Infinity) <= now) connection.closeTooSlow();
}
