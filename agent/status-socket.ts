/**
 * A unix socket in the agent's own runtime folder, by which `voidvm-agent` asks the one that runs: one line in, one
 * line of JSON out. Only the agent's user can open it.
 */
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { HostPaths } from "./paths.ts";

export const AgentStatus = z.object({
  version: z.string(),
  pid: z.int(),
  hostId: z.string(),
  edge: z.string(),
  /** The session that stands with the edge; null while there is none. */
  session: z.int().nullable(),
  machines: z.object({ all: z.int(), running: z.int() }),
  /** That have not ended for both sides. */
  operations: z.int(),
  /** What an update under way is doing. */
  update: z.string().nullable(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

const Told = z.object({ message: z.string() });
const answers = { status: AgentStatus, update: Told } as const;
type Question = keyof typeof answers;
type Answer<Q extends Question> = z.infer<(typeof answers)[Q]>;
export type Answerers = { readonly [Q in Question]: () => Promise<Answer<Q>> };

const timeoutMs = 10_000;

/** Nobody else has this folder's agent: a socket that is there is left from one that has ended. */
export function answerQuestions(paths: HostPaths, answerers: Answerers, log: (line: string) => void): Server {
  rmSync(paths.statusSocket, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, answerers));
  server.on("error", (error) => log(`'voidvm-agent status' will not work: ${error.message}`));
  return server.listen(paths.statusSocket);
}

/** Errors: `Error` where no agent runs, or it says why not. */
export async function askRunningAgent<Q extends Question>(paths: HostPaths, question: Q): Promise<Answer<Q>> {
  const socket = connect(paths.statusSocket);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("The agent runs and does not answer")));
  socket.end(question);
  const line = await text(socket).catch((error: NodeJS.ErrnoException) => {
    const isAway = error.code === "ENOENT" || error.code === "ECONNREFUSED";
    throw isAway ? new Error("The agent does not run on this host") : error;
  });
  const { error, ...answer } = JSON.parse(line) as { error?: string };
  if (error !== undefined) throw new Error(error);
  return answers[question].parse(answer) as Answer<Q>;
}

async function answer(socket: Socket, answerers: Answerers): Promise<void> {
  // Whoever asked may be gone.
  socket.on("error", () => {});
  socket.setTimeout(timeoutMs, () => socket.destroy());
  try {
    const question = (await text(socket)).trim();
    if (!(question in answerers)) throw new Error(`The agent does not know '${question.slice(0, 40)}'`);
    socket.end(JSON.stringify(await answerers[question as Question]()));
  } catch (error) {
    socket.end(JSON.stringify({ error: (error as Error).message }));
  }
}
