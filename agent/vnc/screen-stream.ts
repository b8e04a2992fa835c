/**
 * One viewer of a machine's screen. The screen's bytes pass as they are; the viewer's go through here message by
 * message: who may only look presses no key, and what is typed for a viewer comes between two of its own messages.
 *
 * No guest here takes a clipboard (that needs a SPICE agent), so a text that a viewer pastes is typed.
 */
import type { Socket } from "node:net";
import type { StreamControl } from "../../protocol/streams.ts";
import { RelayedStream } from "../streams/relayed-stream.ts";
import {
  ClientMessages,
  clientMessage,
  isInput,
  keyEvent,
  pointerEvent,
  withoutExtendedClipboard,
} from "./client-messages.ts";
import { keysymOf } from "./keysyms.ts";
import { maxTyped, Typist } from "./typist.ts";

/** Of strokes before the greeting: more is no typing. */
const maxEarly = 256;

export class ScreenStream extends RelayedStream {
  readonly #qemu: Socket;
  readonly #viewOnly: boolean;
  readonly #messages: ClientMessages;
  readonly #typist: Typist;
  /** Asked for before the viewer's greeting was through. */
  #early: Buffer[] = [];
  #tell: (message: StreamControl) => void = () => {};

  constructor(qemu: Socket, viewOnly: boolean) {
    super(qemu);
    this.#qemu = qemu;
    this.#viewOnly = viewOnly;
    this.#typist = new Typist(
      ({ keysym, down }) => this.#insert(keyEvent(keysym, down)),
      (characters) => this.#tell({ type: "untyped", characters: characters.slice(0, 200) }),
    );
    this.#messages = new ClientMessages(maxTyped, {
      greeting: (bytes) => this.#greet(bytes),
      message: (type, bytes) => this.#pass(type, bytes),
      cutText: (text) => {
        if (text !== null && !viewOnly) this.#typist.type(text);
      },
    });
  }

  onControl(listener: (message: StreamControl) => void): void {
    this.#tell = listener;
  }

  control(message: StreamControl): void {
    if (this.#viewOnly) return;
    if (message.type === "mouse") this.#insert(pointerEvent(message.x, message.y, message.buttons));
    else if (message.type === "text") this.#typist.type(message.text);
    else if (message.type === "key") {
      const keysym = keysymOf(message.key);
      if (keysym !== null) this.#insert(keyEvent(keysym, message.down));
      else if (message.down) this.#tell({ type: "untyped", characters: String(message.key) });
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, onTaken: (error?: Error | null) => void): void {
    try {
      this.#messages.push(chunk);
    } catch (error) {
      return onTaken(error as Error);
    }
    this.afterWrite(onTaken);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#typist.stop();
    super._destroy(error, done);
  }

  #greet(bytes: Buffer): void {
    this.#qemu.write(bytes);
    if (!this.#messages.isReady) return;
    for (const message of this.#early) this.#qemu.write(message);
    this.#early = [];
  }

  #pass(type: number, bytes: Buffer): void {
    if (this.#viewOnly && isInput(type, bytes)) return;
    this.#qemu.write(type === clientMessage.setEncodings ? withoutExtendedClipboard(bytes) : bytes);
  }

  /** Only whole messages are passed on, so that wherever the viewer's own bytes stand, QEMU is between two. */
  #insert(message: Buffer): void {
    if (this.#messages.isReady) this.#qemu.write(message);
    else if (this.#early.length < maxEarly) this.#early.push(message);
  }
}
