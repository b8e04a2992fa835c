/**
 * What workerd writes, read by a thread of its own.
 *
 * Miniflare's D1 and Workers make this process's main thread stand still until workerd has answered. Were it the one that
 * reads, a few hundred lines written meanwhile would fill the pipe: workerd would wait for the reader, and the reader for
 * workerd, for ever. So workerd.sh leads the output into a FIFO, and lines wait in the thread's port instead.
 */
import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";

export interface RuntimeOutput {
  /** Where workerd is to write. */
  readonly path: string;
  close(): Promise<void>;
}

type OnLog = (level: "info" | "error", message: string) => void;

/** `path` is replaced by a FIFO. Resolves when it is being read. */
export async function readOutput(path: string, onLog: OnLog): Promise<RuntimeOutput> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await promisify(execFile)("mkfifo", ["-m", "600", path]);
  const thread = new Worker(join(import.meta.dirname, "output-thread.ts"), { workerData: path });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  thread.once("online", resolve).once("error", reject);
  thread.on("message", (line: string) => {
    const { level, message } = parseLine(line);
    onLog(level === "error" || level === "warn" ? "error" : "info", message);
  });
  await promise;
  thread.unref();
  return {
    path,
    close: async () => {
      await thread.terminate();
      await rm(path, { force: true });
    },
  };
}

/** Structured where the Worker has logged; what the runtime itself says as it dies is plain. */
function parseLine(line: string): { level: string; message: string } {
  try {
    const { level, message } = JSON.parse(line) as { level?: unknown; message?: unknown };
    if (typeof level === "string" && typeof message === "string") return { level, message };
  } catch {
    // Plain text.
  }
  return { level: "error", message: line };
}
