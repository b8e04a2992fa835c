/** What the process ends with; docs/cli.md has the table. */
import { VoidVMError } from "../sdk/typescript/src/index.ts";

export const exitCodes = {
  done: 0,
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Not logged in, or not permitted. */
  denied: 3,
  notFound: 4,
  /** The server refuses: state, quota, input. */
  refused: 5,
  /** No answer, or no answer now. */
  unavailable: 6,
  /** The operation failed on its host, or was cancelled. */
  operationFailed: 7,
  /** The operation goes on. */
  timeout: 8,
  /** The operation may or may not have been done. */
  unknown: 9,
  interrupted: 130,
} as const;

/** What the user can mend; `message` says how. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Ctrl-C. */
export class Interrupted extends Error {}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return error.exitCode;
  if (error instanceof Interrupted) return exitCodes.interrupted;
  if (!(error instanceof VoidVMError)) return exitCodes.failed;
  const { code, status, operation } = error;
  if (operation) {
    if (code === "TIMEOUT") return exitCodes.timeout;
    return operation.status === "unknown" ? exitCodes.unknown : exitCodes.operationFailed;
  }
  if (status === 401 || status === 403) return code === "QUOTA_EXCEEDED" ? exitCodes.refused : exitCodes.denied;
  if (status === 404) return exitCodes.notFound;
  if (status === null || status === 429 || (status >= 500 && status !== 507)) return exitCodes.unavailable;
  return status >= 400 ? exitCodes.refused : exitCodes.failed;
}
