/** A WebSocket of whatever runtime this is. */
import { VoidVMError } from "./errors.ts";
import type { ClientOptions, SocketConstructor, SocketLike } from "./options.ts";

export interface SocketEvents {
  message(data: string | ArrayBuffer): void;
  /** Once, however it ends, and whether or not it was ever open. */
  close(code: number, reason: string): void;
}

/** Resolves once it is open. */
export function openSocket(
  { webSocket }: ClientOptions,
  url: string,
  protocols: string[],
  events: SocketEvents,
  signal?: AbortSignal,
): Promise<SocketLike> {
  const Socket = webSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (!Socket) {
    const message = "This runtime has no WebSocket: pass { webSocket: WebSocket } of the package ws";
    throw new VoidVMError({ code: "NO_WEBSOCKET", message });
  }
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = new Socket(url, protocols);
    socket.binaryType = "arraybuffer";
    let isOpen = false;
    let failure: string | null = null;
    const abort = () => {
      reject(signal?.reason as Error);
      socket.close();
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.addEventListener("open", () => {
      isOpen = true;
      resolve(socket);
    });
    socket.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) => events.message(data));
    // Browsers don't tell why; the package ws does.
    socket.addEventListener("error", ({ message }: { message?: string }) => (failure = message ?? null));
    socket.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
      signal?.removeEventListener("abort", abort);
      if (!isOpen) reject(closedError(code, reason || (failure ?? "The connection was refused")));
      events.close(code, reason);
    });
  });
}

export function closedError(closeCode: number, reason: string, code = "SOCKET_CLOSED", retryable = true): VoidVMError {
  return new VoidVMError({
    code,
    message: reason || `The connection was closed (${closeCode})`,
    details: `WebSocket closed with ${closeCode}`,
    retryable,
  });
}
