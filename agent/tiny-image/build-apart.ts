/**
 * Builds `tiny` in a process of its own, whose 25 MiB go with it: the agent lives for months, and what it has once taken
 * for buffers and tables it would keep.
 *
 * That process ends its work, and removes what it has begun, when the channel between the two closes: when it is called
 * off, and when the agent is gone.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { bundled } from "../bundled.ts";
import { type BuildTinyImageOptions, buildTinyImage } from "./build.ts";

type BuilderMessage = { readonly line: string } | { readonly error: string };

export const builderCommand = "build-tiny";

/** As `buildTinyImage`. */
export async function buildTinyImageApart(options: BuildTinyImageOptions): Promise<void> {
  const { output, cache, log = () => {}, signal } = options;
  const program = bundled ? import.meta.filename : join(import.meta.dirname, "../command-line.ts");
  const builder = fork(program, [builderCommand, output, cache]);
  let error = "";
  builder.on("message", (message: BuilderMessage) => {
    if ("line" in message) log(message.line);
    else ({ error } = message);
  });
  const stop = () => {
    if (builder.connected) builder.disconnect();
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const how = await ended(builder);
    signal?.throwIfAborted();
    if (how !== 0) throw new Error(error || `its builder ended with ${how}`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** After its last message: the channel may outlast the process. */
async function ended(builder: ChildProcess): Promise<number | NodeJS.Signals> {
  const [[code, killedBy]] = await Promise.all([once(builder, "exit"), once(builder, "disconnect")]);
  return (code ?? killedBy) as number | NodeJS.Signals;
}

/** The process itself. Returns its exit code. */
export async function runBuilder([output, cache]: readonly string[]): Promise<number> {
  if (output === undefined || cache === undefined || !process.connected) throw new Error("Only the agent starts this");
  const gone = new AbortController();
  process.once("disconnect", () => gone.abort());
  const tell = (message: BuilderMessage) => {
    if (process.connected) process.send?.(message);
  };
  try {
    await buildTinyImage({ output, cache, log: (line) => tell({ line }), signal: gone.signal });
    return 0;
  } catch (error) {
    tell({ error: (error as Error).message });
    return 1;
  } finally {
    // Nothing else keeps it.
    if (process.connected) process.disconnect();
  }
}
