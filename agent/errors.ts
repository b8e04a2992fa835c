/** A failure of host work. It travels over the link as a value: code, and a sentence for people. */
import type { OperationErrorCode, StreamErrorCode } from "../protocol/errors.ts";

export class HostError extends Error {
  override readonly name = "HostError";
  readonly code: OperationErrorCode | StreamErrorCode;

  constructor(code: OperationErrorCode | StreamErrorCode, message: string, options?: { cause?: unknown }) {
    super(printable(message), options);
    this.code = code;
  }
}

/** What any failure is to the one who asked: a full disk is NO_SPACE wherever it shows. */
export function toHostError(error: unknown): HostError {
  if (error instanceof HostError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new HostError("NO_SPACE", `The host has no disk space left (${message})`, { cause: error });
  }
  return new HostError("HOST_ERROR", message ?? String(error), { cause: error });
}

/** Guests, downloads and programs write what they like; terminals and logs must not obey it. */
export function printable(text: string): string {
  return text
    .replaceAll(/\s*[\p{Cc}\p{Cf}\u2028\u2029]+\s*/gu, " ")
    .trim()
    .slice(0, 1500);
}
