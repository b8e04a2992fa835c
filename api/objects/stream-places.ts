/** A user's connections, as a stream asks for its place among them. */
import { readConfig } from "../../db/config.ts";
import { isAllowed } from "../../protocol/permissions.ts";
import type { Env } from "../env.ts";
import { userHub } from "../hubs.ts";
import type { StreamOffer } from "./console-stream.ts";
import { presentVerdict } from "./hub-session.ts";

/** Judged again when the ticket is spent: the right that it was made by may have ended since. */
export async function enterStream(env: Env, stream: StreamOffer): Promise<"entered" | "too-many" | "refused"> {
  const { streamId, userId, credential, permission } = stream;
  const bearer = { userId, credential, expiresAt: null };
  const hub = env.USER_HUB.getByName(userHub(userId));
  const { limits } = await readConfig(env.DB);
  const place = { id: streamId, kind: "stream" as const, bearer, permission };
  if (!(await hub.enter(place, limits.webSocketsPerUser))) return "too-many";
  // After it has its place, so that whoever ends the right finds it, or the right has ended before this.
  const { caller } = await presentVerdict(env, bearer);
  if (caller && isAllowed(caller, permission)) return "entered";
  await hub.leave(streamId);
  return "refused";
}

/** Where it fails, the place is given up when it is needed. */
export async function leaveStream(env: Env, { userId, streamId }: StreamOffer): Promise<void> {
  await env.USER_HUB.getByName(userHub(userId))
    .leave(streamId)
    .catch(() => {});
}
