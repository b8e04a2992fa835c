/** Makes the ticket that opens a stream, and spends it. */
import type { Context } from "hono";
import { findVm } from "../db/vms.ts";
import { socketLimits } from "../protocol/client-socket.ts";
import { type ErrorCode, errorTable } from "../protocol/errors.ts";
import type { Permission } from "../protocol/permissions.ts";
import { streamTicketHeader } from "../protocol/streams.ts";
import type { VmStatus } from "../protocol/vm.ts";
import { apiBase } from "./access.ts";
import { credentialOf } from "./auth.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { hashSecret, newId, newSecret } from "./ids.ts";
import { type RawTarget, refusalHeader } from "./objects/console-stream.ts";
import { ownerOf } from "./owner.ts";
import { vmNotFound } from "./vm-not-found.ts";

export interface Ticket {
  readonly streamId: string;
  readonly secret: string;
  /** ms since 1970. */
  readonly expiresAt: number;
}

/** A process is there, or was when its host was last heard of. */
const withProcess: readonly VmStatus[] = ["starting", "running", "paused", "stopping"];

/** Errors: VM_NOT_FOUND, VM_NOT_RUNNING, HOST_OFFLINE. */
export async function offerStream(
  c: Context<AppEnv>,
  idOrName: string,
  permission: Permission,
  targetOf: (vmId: string) => RawTarget,
): Promise<Ticket> {
  const view = await findVm(c.env.DB, ownerOf(c), idOrName);
  if (!view) throw vmNotFound(idOrName);
  const { vm, host } = view;
  if (!withProcess.includes(vm.status)) throw new ApiError("VM_NOT_RUNNING", `'${vm.name}' is ${vm.status}: start it`);
  if (host.status !== "online") {
    throw new ApiError("HOST_OFFLINE", `The host '${host.name}' is not connected`, { retryAfter: 5 });
  }
  const { userId, credential } = await credentialOf(c);
  const [streamId, secret] = [newId("stream"), newSecret()];
  const expiresAt = Date.now() + socketLimits.ticketSeconds * 1000;
  await c.env.CONSOLE_STREAM.getByName(streamId).offer({
    ...{ streamId, hostId: host.id, target: targetOf(vm.id), userId, credential, permission },
    ...{ ticketHash: await hashSecret(secret), expiresAt },
  });
  return { streamId, secret, expiresAt };
}

/** Where a ticket is spent. */
export function ticketUrl(c: Context<AppEnv>, { streamId, secret }: Ticket): string {
  const url = new URL(`${apiBase}/streams/${streamId}`, c.req.url);
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
