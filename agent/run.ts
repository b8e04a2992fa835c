/**
 * The only place that starts programs. Arguments are arrays, never a shell; each run has a deadline; captured output is bounded.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { HostError, printable } from "./errors.ts";

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** On whose behalf, for the log of runs that tests count effects by. */
  readonly vmId?: string;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

const maxOutputBytes = 1_048_576;

/** Where a missing program comes from on Debian. */
const debianPackage: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  genisoimage: "genisoimage",
  prlimit: "util-linux",
};

/**
 * Runs a program to its end.
 *
 * Errors: `HostError` with NO_SPACE where the program says so, else HOST_ERROR with its exit code and last words.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs = 30_000, cwd, signal, vmId = "-" } = options;
  logRun(command, vmId);
  const deadline = AbortSignal.timeout(timeoutMs);
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
    signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
    killSignal: "SIGKILL",
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const [stdout, stderr] = [new BoundedText(), new BoundedText()];
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  child.once("error", reject);
  child.once("close", resolve);

  let code: number | null;
  try {
    code = await promise;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw startError(command, error as NodeJS.ErrnoException, timeoutMs);
  }
  if (code === 0) return { stdout: stdout.text, stderr: stderr.text };
  throw exitError(command, code, stderr.text);
}

function startError(command: string, error: NodeJS.ErrnoException, timeoutMs: number): HostError {
  if (error.code === "ENOENT") {
    const from = debianPackage[command];
    return new HostError("HOST_ERROR", `${command} is not installed on this host${from ? ` (Debian: ${from})` : ""}`);
  }
  if (error.name === "AbortError") {
    return new HostError("HOST_ERROR", `${command} did not end within ${timeoutMs / 1000} s and was killed`);
  }
  return new HostError("HOST_ERROR", `${command} could not be started: ${error.message}`, { cause: error });
}

function exitError(command: string, code: number | null, stderr: string): HostError {
  const words = printable(stderr.slice(-1500)) || "no output";
  const noSpace = /no space left on device/i.test(stderr);
  return new HostError(noSpace ? "NO_SPACE" : "HOST_ERROR", `${basename(command)} ended with ${code}: ${words}`);
}

function logRun(command: string, vmId: string): void {
  const file = process.env["VOIDVM_SPAWN_LOG"];
  if (file !== undefined) appendFileSync(file, `${basename(command)} ${vmId}\n`);
}

class BoundedText {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** What is over the bound is dropped; the program must not block on a full pipe. */
  add(chunk: Buffer): void {
    if (this.#bytes >= maxOutputBytes) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}
