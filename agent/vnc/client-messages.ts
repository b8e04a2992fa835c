/**
 * Takes a VNC client's bytes apart into whole messages (RFB, RFC 6143), however they were cut up on the way.
 *
 * It reads exactly what QEMU's server would read, and refuses what that would refuse: where the two disagreed, a viewer
 * could hide a key stroke from this side.
 */
import { HostError } from "../errors.ts";

/** Of messages from the client. */
export const clientMessage = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
  powerControl: 250,
  setDesktopSize: 251,
  qemu: 255,
} as const;

/** Of `clientMessage.qemu`. */
const qemuMessage = { key: 0, audio: 1 } as const;
const audioFormat = 2;

const versions = ["RFB 003.003\n", "RFB 003.007\n", "RFB 003.008\n"];
const noAuthentication = 1;
/** QEMU knows some thirty. */
const maxEncodings = 1_024;

export interface ClientMessageHandlers {
  /** Version, choice of security and ClientInit. */
  greeting(bytes: Buffer): void;
  /** A whole message other than cut text. */
  message(type: number, bytes: Buffer): void;
  /** Latin-1, of any length; the beginning of it. Null: the extended clipboard's own message. */
  cutText(text: string | null): void;
}

interface CutText {
  left: number;
  room: number;
  readonly kept: Buffer[];
  readonly isExtended: boolean;
}

export class ClientMessages {
  readonly #handlers: ClientMessageHandlers;
  readonly #maxText: number;
  #step: "version" | "security" | "init" | "messages" = "version";
  #pending: Buffer = Buffer.alloc(0);
  /** A cut text that is still coming, which may be long: only so much of it is kept. */
  #text: CutText | null = null;

  constructor(maxText: number, handlers: ClientMessageHandlers) {
    this.#maxText = maxText;
    this.#handlers = handlers;
  }

  /** Between two messages, after the greeting: here, and only here, others may be put in. */
  get isReady(): boolean {
    return this.#step === "messages";
  }

  /** Errors: HOST_ERROR; nothing that follows can be understood. */
  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length > 0 && this.#takeOne());
  }

  /** False where more bytes are needed. */
  #takeOne(): boolean {
    if (this.#text) return this.#takeText(this.#text);
    if (this.#step !== "messages") return this.#greet();
    const bytes = this.#pending;
    const type = bytes[0] as number;
    if (type === clientMessage.cutText) return this.#beginText();
    const length = lengthOf(bytes);
    if (length === null || bytes.length < length) return false;
    this.#handlers.message(type, this.#take(length));
    return true;
  }

  #greet(): boolean {
    if (this.#pending.length < (this.#step === "version" ? 12 : 1)) return false;
    if (this.#step === "version") {
      const bytes = this.#take(12);
      const version = bytes.toString("latin1");
      if (!versions.includes(version))
        throw new HostError("HOST_ERROR", "The viewer speaks a version that QEMU doesn't");
      // In the oldest version the server alone decides how the client proves who it is.
      this.#step = version === versions[0] ? "init" : "security";
      this.#handlers.greeting(bytes);
      return true;
    }
    const bytes = this.#take(1);
    if (this.#step === "security" && bytes[0] !== noAuthentication) {
      throw new HostError("HOST_ERROR", "The viewer asks for a password check, and this screen has none");
    }
    this.#step = this.#step === "security" ? "init" : "messages";
    this.#handlers.greeting(bytes);
    return true;
  }

  #beginText(): boolean {
    if (this.#pending.length < 8) return false;
    const length = this.#take(8).readInt32BE(4);
    // A length below zero is the extended clipboard's.
    this.#text = { left: Math.abs(length), kept: [], room: this.#maxText, isExtended: length < 0 };
    return this.#takeText(this.#text);
  }

  #takeText(text: CutText): boolean {
    const piece = this.#take(Math.min(text.left, this.#pending.length));
    text.left -= piece.length;
    const kept = piece.subarray(0, text.room);
    text.room -= kept.length;
    text.kept.push(kept);
    if (text.left > 0) return false;
    this.#text = null;
    this.#handlers.cutText(text.isExtended ? null : Buffer.concat(text.kept).toString("latin1"));
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }
}

/** Of the message that begins here; null where its beginning doesn't tell yet. */
function lengthOf(bytes: Buffer): number | null {
  switch (bytes[0]) {
    case clientMessage.setPixelFormat:
      return 20;
    case clientMessage.setEncodings: {
      if (bytes.length < 4) return null;
      const count = bytes.readUInt16BE(2);
      if (count > maxEncodings) throw new HostError("HOST_ERROR", `The viewer names ${count} encodings`);
      return 4 + 4 * count;
    }
    case clientMessage.updateRequest:
      return 10;
    case clientMessage.key:
      return 8;
    case clientMessage.pointer:
      return 6;
    case clientMessage.powerControl:
      return 4;
    case clientMessage.setDesktopSize:
      return bytes.length < 8 ? null : 8 + 16 * (bytes[6] as number);
    case clientMessage.qemu:
      return bytes.length < 2 ? null : qemuLength(bytes);
    default:
      throw new HostError("HOST_ERROR", `The viewer sent a message of type ${bytes[0]}, which QEMU doesn't know`);
  }
}

function qemuLength(bytes: Buffer): number | null {
  if (bytes[1] === qemuMessage.key) return 12;
  if (bytes[1] !== qemuMessage.audio) {
    throw new HostError("HOST_ERROR", `The viewer sent a QEMU message of type ${bytes[1]}, which QEMU doesn't know`);
  }
  if (bytes.length < 4) return null;
  return bytes.readUInt16BE(2) === audioFormat ? 10 : 4;
}

/** Presses keys or moves the pointer, or would shut the machine down: nothing for who may only look. */
export function isInput(type: number, bytes: Buffer): boolean {
  if (type === clientMessage.qemu) return bytes[1] === qemuMessage.key;
  const inputs: readonly number[] = [
    clientMessage.key,
    clientMessage.pointer,
    clientMessage.powerControl,
    clientMessage.setDesktopSize,
  ];
  return inputs.includes(type);
}

export function keyEvent(keysym: number, down: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(clientMessage.key, 0);
  bytes.writeUInt8(down ? 1 : 0, 1);
  bytes.writeUInt32BE(keysym, 4);
  return bytes;
}

export function pointerEvent(x: number, y: number, buttons: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt8(clientMessage.pointer, 0);
  bytes.writeUInt8(buttons, 1);
  bytes.writeUInt16BE(x, 2);
  bytes.writeUInt16BE(y, 4);
  return bytes;
}

/** QEMU takes texts by this only on behalf of guests with a SPICE agent; without it a viewer sends them as they are. */
const extendedClipboard = 0xc0a1_e5ce;

/** The same SetEncodings without the extended clipboard. */
export function withoutExtendedClipboard(bytes: Buffer): Buffer {
  const wanted: number[] = [];
  for (let at = 4; at < bytes.length; at += 4) {
    if (bytes.readUInt32BE(at) !== extendedClipboard) wanted.push(bytes.readUInt32BE(at));
  }
  const result = Buffer.alloc(4 + 4 * wanted.length);
  bytes.copy(result, 0, 0, 2);
  result.writeUInt16BE(wanted.length, 2);
  wanted.forEach((encoding, index) => result.writeUInt32BE(encoding, 4 + 4 * index));
  return result;
}
