import { ApiError } from "./errors.ts";

/** Another owner's machine answers 404, never 403: its existence is not ours to reveal. */
export function vmNotFound(idOrName: string): ApiError {
  return new ApiError("VM_NOT_FOUND", `Virtual machine with ID '${idOrName.slice(0, 100)}' was not found`);
}
