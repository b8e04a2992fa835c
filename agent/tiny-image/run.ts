/** Runs the builder's commands: argument arrays, never a shell, and an error that tells what to do about it. */
import { spawn } from "node:child_process";

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Text for standard input, which is closed at once without it. */
  input?: string;
  signal?: AbortSignal | undefined;
}

export interface Output {
  stdout: string;
  stderr: string;
}

/** Far more than any step needs; it ends a download or a tool that hangs. */
const deadlineMs = 10 * 60_000;

/** The Debian packages of the tools that are taken from the machine itself. */
const toolPackages: Readonly<Record<string, string>> = {
  "apt-cache": "apt",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  "qemu-img": "qemu-utils",
};

/** Throws where the command is missing, fails or is aborted, and only after its process has ended. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  options.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;

  const child = spawn(command, args, {
    cwd: options.cwd,
    // Some tools live in sbin, which a normal user's PATH lacks; messages are read, so they must be English.
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C", ...options.env },
    stdio: "pipe",
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });

  try {
    // A tool that doesn't read its input closes the pipe; its exit status tells whether that was right.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);

    signal.throwIfAborted();
    if (exit instanceof Error) throw describeSpawnError(exit, command);
    if (exit !== 0) throw new Error(`${command} ${args.join(" ")} failed (${exit}): ${lastLines(stderr || stdout)}`);
    return { stdout, stderr };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function ended(child: ReturnType<typeof spawn>): Promise<number | string | Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
}

function describeSpawnError(error: Error, command: string): Error {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") return error;
  const debianPackage = toolPackages[command];
  return new Error(
    debianPackage
      ? `${command} is missing: install the Debian package ${debianPackage}`
      : `${command} is missing or cannot run on this machine`,
  );
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-5).join(" | ");
}
