/** How the end of a stream is told: by a code and words, and by the closing code of a WebSocket. */
import { socketCloseCodes } from "../../protocol/client-socket.ts";
import { type StreamErrorCode, streamErrors } from "../../protocol/errors.ts";

export interface StreamClosing {
  /** Null is an orderly end. */
  readonly code: string | null;
  /** English, for people. */
  readonly message: string | null;
  readonly closeCode: number;
}

/** Of an answer that is no socket: the error's code. Its words are the body. */
export const refusalHeader = "X-VoidVM-Refusal";

const orderly = 1000;
const failed = 1011;
/** A closing frame has 125 bytes, two of which are the code. */
const maxReasonBytes = 123;

const closeCodes: Readonly<Record<StreamErrorCode, number>> = {
  VM_MISSING: socketCloseCodes.notFound,
  VM_NOT_RUNNING: socketCloseCodes.notFound,
  PORT_CLOSED: socketCloseCodes.notFound,
  GUEST_UNREACHABLE: socketCloseCodes.notFound,
  QEMU_FAILED: failed,
  HOST_ERROR: failed,
  SSH_AUTH_FAILED: failed,
  SSH_KEY_INVALID: failed,
  SSH_FAILED: failed,
  HOST_KEY_CHANGED: failed,
  STREAM_LOST: socketCloseCodes.restarting,
  HOST_OFFLINE: socketCloseCodes.restarting,
  STREAM_IDLE: orderly,
  TOO_MANY_STREAMS: socketCloseCodes.tooMany,
  READER_TOO_SLOW: socketCloseCodes.tooSlow,
  STREAM_MALFORMED: socketCloseCodes.malformed,
};

export const orderlyEnd: StreamClosing = { code: null, message: null, closeCode: orderly };

export function closingOf(code: StreamErrorCode, message: string): StreamClosing {
  return { code, message, closeCode: closeCodes[code] };
}

/** A host may say what it likes: an unknown code is its own error, and what a terminal would obey is left out. */
export function closingByHost(code: string | null, message: string | null): StreamClosing {
  if (code === null) return orderlyEnd;
  const known = Object.hasOwn(streamErrors, code) ? (code as StreamErrorCode) : "HOST_ERROR";
  return closingOf(known, (message ?? streamErrors[known].en).replaceAll(/\p{Cc}+/gu, " "));
}

/** The reason that fits into a closing frame. */
export function reasonOf({ code, message }: StreamClosing): string {
  const text = [code, message].filter((part) => part !== null).join(": ");
  const { written, read } = new TextEncoder().encodeInto(text, new Uint8Array(maxReasonBytes));
  return written < maxReasonBytes ? text.slice(0, read) : text.slice(0, read);
}
