/** A failure of host work. It travels over the link as a value: code, and a sentence for people. */
import type { OperationErrorCode } from "../protocol/errors.ts";

export class HostError extends Error {
  override readonly name = "HostError";
  readonly code: OperationErrorCode;

  constructor(code: OperationErrorCode, message: string, options?: { cause?: unknown }) {
    super(printable(message), options);
    this.code = code;
  }
}

/** Guests, downloads and programs write what they like; terminals and logs must not obey it. */
export function printable(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, 1500);
}
