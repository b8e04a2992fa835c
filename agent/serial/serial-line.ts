/**
 * The one connection to a machine's serial port, with what the port has said of late.
 *
 * QEMU serves one client, and a client that doesn't read halts the guest's output; so this one always reads. Nobody
 * need be connected for QEMU to write its log, from which the beginning comes.
 */
import { once } from "node:events";
import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { streamLimits } from "../../protocol/streams.ts";
import { HostError } from "../errors.ts";
import type { VmPaths } from "../paths.ts";
import { ByteRing } from "./byte-ring.ts";
import { overlap } from "./overlap.ts";

/** Until what QEMU had sent before it wrote its log is read: it is in the socket already. */
const settleMs = 20;

export class SerialLine {
  readonly said: ByteRing;
  readonly #socket: Socket;

  private constructor(socket: Socket, said: ByteRing) {
    this.#socket = socket;
    this.said = said;
  }

  /** `onChange` is called when more was said, `onEnd` when QEMU hangs up. Errors: QEMU_FAILED. */
  static async open(paths: VmPaths, onChange: () => void, onEnd: () => void): Promise<SerialLine> {
    const socket = connect(paths.serial);
    try {
      await once(socket, "connect");
    } catch (error) {
      const reason = (error as Error).message;
      throw new HostError("QEMU_FAILED", `QEMU does not serve its serial port: ${reason}`, { cause: error });
    }
    socket.on("error", () => {});
    socket.once("close", onEnd);
    const said = new ByteRing(streamLimits.scrollbackBytes);
    let early: Buffer[] | null = [];
    socket.on("data", (chunk) => {
      if (early) return void early.push(chunk);
      said.append(chunk);
      onChange();
    });
    // QEMU sends before it logs, so what the log has of our time stands in `early` as well.
    const logged = await tail(paths.serialLog, streamLimits.scrollbackBytes);
    await sleep(settleMs);
    const sent = Buffer.concat(early);
    early = null;
    said.append(logged);
    said.append(sent.subarray(overlap(logged, sent)));
    return new SerialLine(socket, said);
  }

  /** `onTaken` is called when QEMU's socket has it, which may be late: guests read slowly. */
  write(chunk: Buffer, onTaken: (error?: Error | null) => void): void {
    this.#socket.write(chunk, onTaken);
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function tail(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
