/** An edge of one's own, as `npm start` runs it: a process that can be killed and started again on the same state. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../../scripts/project.ts";
import type { EdgeMessage } from "../../scripts/edge-main.ts";
import { descendants } from "../../test/e2e/processes.ts";
import { freePort } from "../../test/free-port.ts";

export class EdgeProcess {
  readonly origin: string;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(home: string, port: number, settings: NodeJS.ProcessEnv) {
    this.#home = home;
    this.origin = `http://127.0.0.1:${port}`;
    this.#env = { ...process.env, ...settings, VOIDVM_HOME: home, PORT: `${port}` };
  }

  /** `settings`: what a person would say in the environment of `npm start`. */
  static async start(settings: NodeJS.ProcessEnv = {}): Promise<EdgeProcess> {
    const edge = new EdgeProcess(await mkdtemp(join(tmpdir(), "voidvm-sim-")), await freePort(), settings);
    await edge.up();
    return edge;
  }

  /** Resolves when its port is open. */
  async up(): Promise<void> {
    const child = fork(join(projectFolder, "scripts", "edge-main.ts"), { env: this.#env, silent: true });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-20_000)));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.on("message", ({ type }: EdgeMessage) => type === "ready" && resolve());
    child.once("exit", (code) => reject(new Error(`The edge ended with ${code}:\n${this.#output}`)));
    await promise;
  }

  /** At once, as a crash or the loss of power would end it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async dispose(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Resident memory of the runtime alone, in MiB. */
  async workerdMib(): Promise<number> {
    const workerd = descendants(this.#child?.pid ?? 0).find(({ command }) => command[0]?.endsWith("/workerd"));
    if (!workerd) throw new Error("There is no workerd below the edge");
    return residentMib(workerd.pid);
  }
}

export async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}
