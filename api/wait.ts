/**
 * Waiting for an operation's end without polling: the host's object tells when D1 shows it.
 *
 * `Prefer: wait=N` is RFC 7240's; N is at most 55 s, below what proxies and clients give up at.
 */
import type { Context } from "hono";
import { findOperation } from "../db/operations.ts";
import type { OperationView } from "../db/operation-view.ts";
import type { Dispatch } from "../db/pending.ts";
import type { OperationRow } from "../db/schema.ts";
import type { AppEnv } from "./env.ts";
import { tellHubs } from "./hubs.ts";
import { ownerOf } from "./owner.ts";

export const maxWaitSeconds = 55;

/** Seconds that the client is ready to wait; 0 where it doesn't say. */
export function preferredWait(c: Context<AppEnv>): number {
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?/i.exec(c.req.header("Prefer") ?? "") ?? [];
  return seconds === undefined ? 0 : Math.min(Number(seconds), maxWaitSeconds);
}

/**
 * Tells the host's object that there is work, and doesn't wait for it: the operation is safe in D1, and where this fails
 * or hangs, the sweep repeats it. What the batch of the acceptance has read needs no reading by the object.
 */
export function wakeHost(
  c: Context<AppEnv>,
  { hostId, id }: Pick<OperationRow, "hostId" | "id">,
  dispatch: Dispatch | null = null,
): void {
  const failed = ({ message }: Error) =>
    console.error(
      JSON.stringify({ level: "error", requestId: c.var.requestId, operationId: id, message: `wake: ${message}` }),
    );
  const woken = c.env.HOST_LINK.getByName(hostId).wake(hostId, dispatch?.queued ?? null);
  c.executionCtx.waitUntil(Promise.all([woken.catch(failed), tellHubs(c.env, dispatch?.hubs ?? [])]));
}

/** The operation as it is after its end, or after `seconds`. */
export async function waitForEnd<T extends OperationRow>(
  c: Context<AppEnv>,
  operation: T,
  seconds: number,
): Promise<T | OperationView> {
  if (seconds === 0 || operation.finishedAt !== null) return operation;
  const host = c.env.HOST_LINK.getByName(operation.hostId);
  // An object that is restarted while we wait breaks the call; the answer is then what D1 knows.
  await host.waitForOperation(operation.hostId, operation.id, seconds * 1000).catch(() => {});
  return (await findOperation(c.env.DB, ownerOf(c), operation.id)) ?? operation;
}
