/**
 * The only place that starts programs. Arguments are arrays, never a shell; what is waited for has a deadline, and
 * what is captured is bounded.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { HostError, printable } from "./errors.ts";

export interface RunOptions {
  /** 30 s unless said otherwise. */
  readonly timeoutMs?: number;
  /** For standard input, which is empty without it. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Aborting kills the program. */
  readonly signal?: AbortSignal | undefined;
  /** For a program that reads what strangers made. */
  readonly limits?: { readonly memoryMib: number; readonly cpuSeconds: number };
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** The program ran and said no. */
export class ProgramError extends HostError {
  /** Exit status, or the signal that ended it. */
  readonly end: number | NodeJS.Signals;

  constructor(command: string, end: number | NodeJS.Signals, stderr: string) {
    const noSpace = /no space left on device|disk quota exceeded/i.test(stderr);
    const words = printable(stderr.slice(-1400)) || "it said nothing";
    super(noSpace ? "NO_SPACE" : "HOST_ERROR", `${basename(command)} ended with ${end}: ${words}`);
    this.end = end;
  }
}

/** Where a missing program comes from on Debian. */
const debianPackages: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  genisoimage: "genisoimage",
  prlimit: "util-linux",
};

/**
 * Runs a program to its end, which is past when this settles.
 *
 * Errors: NO_SPACE where the program says so, CANCELLED after an abort, else HOST_ERROR with its last words.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs = 30_000, input = "", cwd, signal, limits } = options;
  if (signal?.aborted) throw cancelled(command);
  logSpawn(command, cwd, args);

  const [file, argv] = limits ? limited(command, args, limits) : [command, args];
  const child = spawn(file, argv, { cwd, env: environment(), stdio: "pipe" });
  const [stdout, stderr] = [new LastWords(child.stdout), new LastWords(child.stderr)];
  // A program that doesn't read its input closes the pipe; its exit status tells whether that was right.
  child.stdin.on("error", () => {});
  child.stdin.end(input);

  let late = false;
  const kill = () => child.kill("SIGKILL");
  const deadline = setTimeout(() => {
    late = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const end = await ended(child);
    if (signal?.aborted) throw cancelled(command);
    if (late) throw new HostError("HOST_ERROR", `${command} did not end within ${timeoutMs / 1000} s and was killed`);
    if (end instanceof Error) throw startError(command, end);
    if (end === 0) return { stdout: stdout.text, stderr: stderr.text };
    if (/^prlimit: failed to execute .*: No such file/m.test(stderr.text)) throw missing(command);
    throw new ProgramError(command, end, stderr.text);
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", kill);
  }
}

export interface Launched {
  readonly pid: number;
  /** Resolves with how it ended, such as `status 1`, if that happens while the agent lives. */
  readonly ended: Promise<string>;
}

/**
 * Starts a program that outlives the agent: in a session of its own, so that no signal for the agent's reaches it,
 * with everything that it prints appended to a file.
 */
export async function launch(command: string, args: readonly string[], logFile: string): Promise<Launched> {
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(command, args, { cwd: "/", env: environment(), stdio: ["ignore", log, log], detached: true });
    child.unref();
    const end = ended(child);
    if (child.pid === undefined) throw startError(command, (await end) as Error);
    // Only now: an agent that was killed between fork and exec has started nothing.
    logSpawn(command, undefined, args);
    return { pid: child.pid, ended: end.then((how) => (typeof how === "number" ? `status ${how}` : `${how}`)) };
  } finally {
    closeSync(log);
  }
}

/** The status, the signal that ended it, or the error that kept it from starting. */
function ended(child: ChildProcess): Promise<number | NodeJS.Signals | Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("close", (code, signal) => resolve(code ?? signal ?? "SIGKILL"));
    // A grandchild may hold the pipes open for ever; the program's own words are here by then.
    child.once("exit", () =>
      setTimeout(() => [child.stdout, child.stderr].forEach((pipe) => pipe?.destroy()), 1_000).unref(),
    );
  });
}

/** Messages are read by this code, so they must be English. Some tools live in sbin, which a user's PATH may lack. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`, LC_ALL: "C" };
}

function limited(
  command: string,
  args: readonly string[],
  { memoryMib, cpuSeconds }: NonNullable<RunOptions["limits"]>,
): [string, string[]] {
  return ["prlimit", [`--as=${memoryMib * 1024 ** 2}`, `--cpu=${cpuSeconds}`, "--core=0", "--", command, ...args]];
}

function startError(command: string, error: NodeJS.ErrnoException): HostError {
  if (error.code === "ENOENT") return missing(command);
  return new HostError("HOST_ERROR", `${command} could not be started: ${error.message}`, { cause: error });
}

function missing(command: string): HostError {
  const debian = debianPackages[command];
  return new HostError("HOST_ERROR", `${command} is not installed on this host${debian ? ` (Debian: ${debian})` : ""}`);
}

function cancelled(command: string): HostError {
  return new HostError("CANCELLED", `${command} was cancelled`);
}

/** Tests count effects by this file: one short line a run, appended whole. */
function logSpawn(command: string, cwd: string | undefined, args: readonly string[]): void {
  const file = process.env["VOIDVM_SPAWN_LOG"];
  if (file === undefined) return;
  const vmId = /vm-[0-9a-hjkmnp-tv-z]{26}/.exec([cwd, ...args].join(" "))?.[0] ?? "-";
  appendFileSync(file, `${basename(command)} ${vmId}\n`);
}

/** The end of what a program prints. The rest is dropped, because the program must not block on a full pipe. */
class LastWords {
  static readonly #maxBytes = 1_048_576;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(stream: Readable) {
    stream.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      while (this.#bytes - (this.#chunks[0]?.length ?? 0) > LastWords.#maxBytes) {
        this.#bytes -= this.#chunks.shift()?.length ?? 0;
      }
    });
  }

  get text(): string {
    return Buffer.concat(this.#chunks).subarray(-LastWords.#maxBytes).toString("utf8");
  }
}
