/** From an operation that was accepted to its end, by long polls: each is one request of the caller's limit. */
import { VoidVMError } from "./errors.ts";
import { type Operation, retryableErrors } from "./generated.ts";
import type { Http } from "./http.ts";
import type { WaitOptions } from "./options.ts";

/** Seconds. A watched operation is looked at more often. */
const patience = { usual: 50, watched: 2 };

export function isWanted({ wait, onProgress }: WaitOptions): boolean {
  return wait ?? onProgress !== undefined;
}

/** The operation once it has succeeded. Throws where it ended otherwise, and TIMEOUT where it has not ended in time. */
export async function untilEnd(http: Http, begun: Operation, options: WaitOptions): Promise<Operation> {
  const { signal, timeout, onProgress } = options;
  const deadline = Date.now() + (timeout ?? Infinity);
  let operation = begun;
  let shown = "";
  for (;;) {
    const state = JSON.stringify([operation.status, operation.progress]);
    if (state !== shown) onProgress?.(operation);
    shown = state;
    if (operation.finishedAt !== null) return succeeded(operation);

    const left = Math.ceil((deadline - Date.now()) / 1000);
    if (left <= 0) {
      const message = `${operation.kind} has not ended in time; it goes on as ${operation.id}`;
      throw new VoidVMError({ code: "TIMEOUT", message, retryable: true, operation });
    }
    const wait = Math.min(left, onProgress ? patience.watched : patience.usual);
    // A server that is started again is worth more patience here: the operation goes on meanwhile.
    const call = { query: { wait }, patience: wait, retries: 10, signal };
    operation = await http.call<"getOperation">("GET", `/operations/${encodeURIComponent(operation.id)}`, call);
  }
}

function succeeded(operation: Operation): Operation {
  const { status, error, kind, id, requestId } = operation;
  if (status === "succeeded") return operation;
  const code =
    error?.code ?? (status === "unknown" ? "OUTCOME_UNKNOWN" : status === "cancelled" ? "CANCELLED" : "HOST_ERROR");
  throw new VoidVMError({
    code,
    message: error?.message ?? `${kind}: ${status}`,
    details: `${kind} ${id} ended as ${status}`,
    requestId,
    retryable: status !== "unknown" && retryableErrors.includes(code),
    operation,
  });
}
