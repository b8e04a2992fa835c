/** A program under a pseudo-terminal, by `script` of util-linux: it sees a terminal, and the test is the person before it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

export class Terminal {
  /** Everything that was shown. */
  shown = "";
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  #read = 0;

  /** `command` is a shell's. */
  constructor(command: string, env: NodeJS.ProcessEnv) {
    const words = ["--quiet", "--return", "--flush", "--command", command, "/dev/null"];
    this.#child = spawn("script", words, {
      env: { ...env, TERM: "xterm-256color", SHELL: "/bin/sh" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (data: Buffer) => (this.shown += data.toString()));
    this.#exit = once(this.#child, "exit");
  }

  /** Resolves once it shows this, behind what was waited for before. */
  async until(text: string, timeoutMs = 90_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const at = this.shown.indexOf(text, this.#read);
      if (at >= 0) {
        this.#read = at + text.length;
        return;
      }
      if (Date.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`Not shown: ${JSON.stringify(text)} in ${JSON.stringify(this.shown.slice(-2000))}`);
      }
      await sleep(50);
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** The exit code. */
  async ended(): Promise<number> {
    const [code] = await this.#exit;
    return code as number;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
