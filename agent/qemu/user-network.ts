/**
 * Connects to a port of a guest behind QEMU's user-mode network, whose only way in is a listener on the host.
 *
 * The listener is for this one connection: on an address and a port taken by chance, and gone some milliseconds later.
 * The connection outlives it. Numbers and fixed words are all that reaches the monitor's line.
 */
import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../errors.ts";

/** Of a machine's monitor. */
type Execute = <T>(command: string, args: object) => Promise<T>;

const answerMs = 10_000;
const lookEveryMs = 20;

/** Errors: PORT_CLOSED, GUEST_UNREACHABLE, QEMU_FAILED. */
export async function connectToGuest(execute: Execute, port: number): Promise<Socket> {
  const at = await forward(execute, port);
  let socket: Socket;
  try {
    socket = await connectTo(at);
    await taken(execute, at, socket);
  } finally {
    await command(execute, `hostfwd_remove net0 tcp:${at.address}:${at.port}`);
  }
  try {
    await answered(execute, at, socket, port);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Takes away listeners that an agent left which died at the wrong moment. */
export async function removeForwards(execute: Execute): Promise<void> {
  for (const { state, address, port } of await connections(execute)) {
    if (state !== "HOST_FORWARD" || !isOurs(address)) continue;
    await command(execute, `hostfwd_remove net0 tcp:${address}:${port}`);
  }
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** 127.64.0.0/10 is ours alone: whoever else forwards ports does it at 127.0.0.1. */
function anyEndpoint(): Endpoint {
  const address = `127.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
  return { address, port: randomInt(20_000, 60_000) };
}

function isOurs(address: string): boolean {
  const [first, second] = address.split(".").map(Number);
  return first === 127 && second !== undefined && second >= 64 && second < 128;
}

async function forward(execute: Execute, guestPort: number): Promise<Endpoint> {
  let refusal = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const at = anyEndpoint();
    refusal = await command(execute, `hostfwd_add net0 tcp:${at.address}:${at.port}-:${Math.trunc(guestPort)}`);
    if (refusal === "") return at;
  }
  throw new HostError("QEMU_FAILED", `QEMU does not forward to the guest: ${refusal}`);
}

function connectTo({ address, port }: Endpoint): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
  socket.once("connect", () => resolve(socket));
  socket.once("error", (error) =>
    reject(new HostError("QEMU_FAILED", `QEMU's forward does not answer: ${error.message}`, { cause: error })),
  );
  return promise;
}

/**
 * Until QEMU has the connection, or has hung up already. The kernel completes it before QEMU accepts it, and a listener that is
 * taken away in between takes it along, which would look like a port that nobody listens on.
 */
async function taken(execute: Execute, at: Endpoint, socket: Socket): Promise<void> {
  let isOver = false;
  for (const event of ["end", "close"]) socket.once(event, () => (isOver = true));
  const deadline = performance.now() + answerMs;
  while (!isOver && performance.now() < deadline) {
    if ((await connectionsAt(execute, at)).length > 0) return;
    await sleep(1);
  }
}

/** QEMU accepts at once, whatever the guest will say, and hangs up where that is no: so it is asked what it knows. */
async function answered(execute: Execute, at: Endpoint, socket: Socket, guestPort: number): Promise<void> {
  const deadline = performance.now() + answerMs;
  while (performance.now() < deadline) {
    const found = await connectionsAt(execute, at);
    // Somebody else on the host has found the listener in its few milliseconds.
    if (found.length > 1) throw new HostError("HOST_ERROR", "The way to the guest was not this connection's alone");
    const [{ state } = { state: "gone" }] = found;
    if (state === "gone") throw new HostError("PORT_CLOSED", `Nothing listens on port ${guestPort} of the guest`);
    if (state !== "SYN_SENT") return;
    await sleep(lookEveryMs);
  }
  throw new HostError("GUEST_UNREACHABLE", `The guest did not answer on port ${guestPort} in ${answerMs / 1000} s`);
}

/** Without the listener itself. */
async function connectionsAt(execute: Execute, at: Endpoint) {
  return (await connections(execute)).filter(
    ({ state, address, port }) => address === at.address && port === at.port && state !== "HOST_FORWARD",
  );
}

async function connections(execute: Execute) {
  const text = await command(execute, "info usernet");
  return [...text.matchAll(/^\s*TCP\[(\w+)\]\s+-?\d+\s+(\S+)\s+(\d+)\s/gm)].map(
    ([, state = "", address = "", port]) => ({
      ...{ state, address, port: Number(port) },
    }),
  );
}

async function command(execute: Execute, line: string): Promise<string> {
  return (await execute<string>("human-monitor-command", { "command-line": line })).trim();
}
