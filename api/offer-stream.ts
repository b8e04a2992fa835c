/** Makes the ticket that opens a stream, and spends it. */
import type { Context } from "hono";
import { socketLimits } from "../protocol/client-socket.ts";
import { type ErrorCode, errorTable } from "../protocol/errors.ts";
import type { Permission } from "../protocol/permissions.ts";
import { streamTicketHeader } from "../protocol/streams.ts";
import { apiBase } from "./access.ts";
import { credentialOf } from "./auth.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { hashSecret, newId, newSecret } from "./ids.ts";
import type { RawTarget } from "./objects/console-stream.ts";
import { refusalHeader } from "./objects/refusal.ts";
import { ownerOf } from "./owner.ts";
import { publicOrigin } from "./public-origin.ts";
import { runningVm } from "./running-vm.ts";

export interface Ticket {
  readonly streamId: string;
  readonly secret: string;
  /** ms since 1970. */
  readonly expiresAt: number;
}

/** Errors: VM_NOT_FOUND, VM_NOT_RUNNING, HOST_OFFLINE. */
export async function offerStream(
  c: Context<AppEnv>,
  idOrName: string,
  permission: Permission,
  targetOf: (vmId: string) => RawTarget,
): Promise<Ticket> {
  const { vmId, hostId } = await runningVm(c.env.DB, ownerOf(c), idOrName);
  const { userId, credential } = await credentialOf(c);
  const [streamId, secret] = [newId("stream"), newSecret()];
  const expiresAt = Date.now() + socketLimits.ticketSeconds * 1000;
  await c.env.CONSOLE_STREAM.getByName(streamId).offer({
    ...{ streamId, hostId, target: targetOf(vmId), userId, credential, permission },
    ...{ ticketHash: await hashSecret(secret), expiresAt },
  });
  return { streamId, secret, expiresAt };
}

/** Where a ticket is spent. */
export function ticketUrl(c: Context<AppEnv>, { streamId, secret }: Ticket): string {
  const url = new URL(`${apiBase}/streams/${streamId}`, publicOrigin(c));
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ ticket: secret }).toString();
  return url.href;
}

/** Hands an upgrade to the object that the ticket is for. Errors: the object's. */
export async function connectStream(c: Context<AppEnv>, streamId: string, secret: string): Promise<Response> {
  const headers = new Headers({ Upgrade: "websocket", [streamTicketHeader]: secret });
  const protocols = c.req.header("Sec-WebSocket-Protocol");
  if (protocols !== undefined) headers.set("Sec-WebSocket-Protocol", protocols);
  return upgraded(await c.env.CONSOLE_STREAM.getByName(streamId).fetch("https://stream/", { headers }));
}

/** What an object answers to an upgrade: a socket, or an error by its code. */
export async function upgraded(response: Response): Promise<Response> {
  const code = response.headers.get(refusalHeader);
  if (code === null) return response;
  throw new ApiError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "UNAVAILABLE", await response.text());
}
