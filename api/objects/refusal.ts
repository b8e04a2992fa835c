/** How an object refuses an upgrade, in terms that the Worker makes an answer of the API of. */
import type { ErrorCode } from "../../protocol/errors.ts";

/** Of an answer that is no socket: the error's code. Its words are the body. */
export const refusalHeader = "X-VoidVM-Refusal";

export function refusal(code: ErrorCode, message: string): Response {
  return new Response(message, { status: 400, headers: { [refusalHeader]: code } });
}
