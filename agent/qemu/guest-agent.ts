/**
 * Asks the guest agent inside a machine one question.
 *
 * Nobody knows what an earlier caller left unanswered on the line, so each question begins with a synchronisation, and
 * everything before its answer is thrown away. https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
import { randomInt } from "node:crypto";
import { connect } from "node:net";

/** An answer that never ends is none. */
const maxAnswer = 1_048_576;
/** Sent before a question it resets the agent's parser; the agent sends it before the answer to the synchronisation. */
const delimiter = 0xff;

/** What comes back is the guest's: check it. Errors: no agent answers within `timeoutMs`, or it refuses. */
export async function askGuestAgent(socketPath: string, command: string, timeoutMs: number): Promise<unknown> {
  const socket = connect(socketPath);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const tooLate = setTimeout(() => reject(new Error(`No guest agent answered within ${timeoutMs} ms`)), timeoutMs);
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("The connection to the guest agent broke off")));

  const id = randomInt(2 ** 31);
  socket.write(Buffer.of(delimiter));
  socket.write(`${JSON.stringify({ execute: "guest-sync-delimited", arguments: { id } })}\n`);
  socket.write(`${JSON.stringify({ execute: command })}\n`);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length > maxAnswer) return reject(new Error("The guest agent's answer has no end"));
    const answer = answerAfter(received, id);
    if (answer === null) return;
    if (answer.error) reject(new Error(`The guest agent refuses ${command}: ${answer.error.desc ?? "no reason"}`));
    else resolve(answer.return);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(tooLate);
    socket.destroy();
  }
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
}

/** The line after the synchronisation's own; null while it is not there. */
function answerAfter(received: Buffer, id: number): Answer | null {
  const lines = received
    .subarray(received.lastIndexOf(delimiter) + 1)
    .toString("utf8")
    .split("\n");
  const at = lines.findIndex((line) => parse(line)?.return === id);
  // The last piece has no end yet.
  return at === -1 || at + 1 >= lines.length - 1 ? null : parse(lines[at + 1] ?? "");
}

function parse(line: string): Answer | null {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    return null;
  }
}
