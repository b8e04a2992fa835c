/** A user's connections, as a stream asks for its place among them. */
import { isAllowed } from "../../protocol/permissions.ts";
import type { Env } from "../env.ts";
import { userGate } from "../limits.ts";
import type { StreamOffer } from "./console-stream.ts";

/** Judged again when the ticket is spent: the right that it was made by may have ended since. */
export async function enterStream(env: Env, stream: StreamOffer): Promise<"entered" | "too-many" | "refused"> {
  const { userId, credential, permission } = stream;
  const { caller } = await env.USER_GATE.getByName(userGate(userId)).enter(userId, credential, { cost: 0, limit: 1 });
  return caller && isAllowed(caller, permission) ? "entered" : "refused";
}

export async function leaveStream(env: Env, stream: StreamOffer): Promise<void> {}
