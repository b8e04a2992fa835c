/** A console inside `/ws` as the client of a stream: what its host says becomes messages of the connection. */
import { streamErrors } from "../../protocol/errors.ts";
import type { StreamControl } from "../../protocol/streams.ts";
import type { Connection } from "./hub-connection.ts";
import type { Console } from "./hub-console-table.ts";
import type { RelayClient } from "./relay.ts";
import type { StreamClosing } from "./stream-closing.ts";
import { splitUtf8 } from "./utf8-pieces.ts";

export interface ConsoleHandlers {
  /** The bytes of a character that was cut in two; they must survive the object's eviction. */
  keep(rest: readonly number[]): void;
  closed(): void;
}

export class ConsoleClient implements RelayClient {
  readonly #connection: Connection;
  readonly #console: Console;
  readonly #handlers: ConsoleHandlers;
  /** Of the request that ends it. */
  answerTo: string | undefined;

  constructor(connection: Connection, console: Console, handlers: ConsoleHandlers) {
    this.#connection = connection;
    this.#console = console;
    this.#handlers = handlers;
  }

  bytes(data: ArrayBuffer): void {
    const { vmId, kind, rest } = this.#console;
    if (kind === "vnc") {
      const base64 = Buffer.from(data).toString("base64");
      return this.#connection.sendOfStream({ type: "vnc-data", data: { vmId, data: base64 } });
    }
    const { whole, rest: cut } = splitUtf8(Buffer.concat([Uint8Array.from(rest), new Uint8Array(data)]));
    if (cut.length > 0 || rest.length > 0) this.#handlers.keep([...cut]);
    if (whole.length === 0) return;
    // Every piece stands for itself: a byte order mark is a character like any other.
    const output = new TextDecoder("utf-8", { ignoreBOM: true, fatal: false }).decode(whole);
    this.#connection.sendOfStream({ type: "terminal-output", data: { vmId, output } });
  }

  control(message: StreamControl): void {
    const { vmId, kind, viewOnly, requestId } = this.#console;
    const answer = requestId === null ? {} : { id: requestId };
    switch (message.type) {
      case "opened":
        if (kind === "vnc")
          return this.#connection.send({ type: "vnc-connected", data: { vmId, viewOnly }, ...answer });
        return this.#connection.send({
          type: "terminal-connected",
          data: { vmId, type: kind, writable: message.writable },
          ...answer,
        });
      case "gap":
        return this.#connection.send({ type: "terminal-gap", data: { vmId, bytes: message.bytes } });
      case "writer":
        return this.#connection.send({ type: "terminal-writer", data: { vmId, writable: message.writable } });
      case "untyped":
        return this.#connection.fail("TEXT_NOT_TYPED", `Left out: ${message.characters}`, { vmId });
      default:
      // `end` is followed by the end of the stream.
    }
  }

  closed({ code, message }: StreamClosing): void {
    const { vmId, kind, opened, requestId } = this.#console;
    this.#handlers.closed();
    if (!opened && code !== null) {
      const known = Object.hasOwn(streamErrors, code) ? streamErrors[code as keyof typeof streamErrors] : null;
      const words = known?.[this.#connection.state.language] ?? message ?? code;
      return this.#connection.send({
        ...{ type: "error", data: { code, message: words, vmId, ...(message === null ? {} : { details: message }) } },
        ...(requestId === null ? {} : { id: requestId }),
      });
    }
    this.#connection.send({
      type: kind === "vnc" ? "vnc-closed" : "terminal-closed",
      data: { vmId, code, message },
      ...(this.answerTo === undefined ? {} : { id: this.answerTo }),
    });
  }
}
