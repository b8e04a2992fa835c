/** A host of its own at a cloud: a real agent, started again whenever it dies, behind a proxy that can harm its link. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HostPaths } from "../../agent/paths.ts";
import type { Cloud } from "../e2e/cloud.ts";
import { type ProcessInfo, qemusOf } from "../e2e/processes.ts";
import { LinkProxy } from "../fakes/link-proxy.ts";

const project = new URL("../../", import.meta.url).pathname;

export class ChaosHost {
  readonly cloud: Cloud;
  readonly proxy: LinkProxy;
  readonly paths: HostPaths;
  readonly crashFile: string;
  id = "";
  output = "";
  /** How often it was started. */
  starts = 0;
  readonly #spawnLog: string;
  readonly #more: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #supervised = false;

  private constructor(cloud: Cloud, proxy: LinkProxy, name: string, more: NodeJS.ProcessEnv) {
    const home = join(cloud.home, name);
    this.cloud = cloud;
    this.proxy = proxy;
    this.paths = new HostPaths(home, join(cloud.home, "run", name));
    this.crashFile = join(home, "crash-at");
    this.#spawnLog = join(home, "spawned.log");
    this.#more = more;
  }

  /** Joins as any host does. `more` goes into the agent's environment. */
  static async join(cloud: Cloud, name: string, more: NodeJS.ProcessEnv = {}): Promise<ChaosHost> {
    const proxy = await LinkProxy.start(() => `http://127.0.0.1:${cloud.port}`);
    const host = new ChaosHost(cloud, proxy, name, more);
    mkdirSync(host.paths.home, { recursive: true, mode: 0o700 });
    // Made once, so that not each host of a test makes it.
    const images = join(cloud.home, "agent", "images");
    await cloud.until("the tiny image is there", async () =>
      (await readdir(images)).some((file) => /^img-tiny-\w+$/.test(file)),
    );
    cpSync(images, host.paths.imagesDir, { recursive: true });
    const { status, body } = await cloud.post<{ host: { id: string }; enrolment: { token: string } }>("/hosts", {
      name,
    });
    if (status !== 201) throw new Error(`The host was not made: ${JSON.stringify(body)}`);
    host.id = body.data.host.id;
    host.start({ VOIDVM_ENROLMENT_TOKEN: body.data.enrolment.token });
    await host.online();
    return host;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the agent, and starts it again whenever it dies. */
  start(once: NodeJS.ProcessEnv = {}): void {
    this.#supervised = true;
    this.starts++;
    const child = spawn(process.execPath, ["agent/main.ts"], {
      cwd: project,
      env: {
        ...process.env,
        ...{ VOIDVM_ALLOW_EMULATION: "1", VOIDVM_EDGE: this.proxy.url, VOIDVM_AGENT_HOME: this.paths.home },
        ...{ VOIDVM_RUN: this.paths.runtime, VOIDVM_SPAWN_LOG: this.#spawnLog, VOIDVM_CRASH_AT: this.crashFile },
        ...this.#more,
        ...once,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (data) => (this.output += data));
    child.stderr.on("data", (data) => (this.output += data));
    child.once("exit", () => {
      if (this.#supervised && this.#child === child) this.start();
    });
    this.#child = child;
  }

  /** Kills the agent, which stays dead until `start`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#supervised = false;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  async status(): Promise<string> {
    return (await this.cloud.get<{ status: string }>(`/hosts/${this.id}`)).body.data.status;
  }

  online(): Promise<void> {
    return this.cloud.until("the host is online", async () => (await this.status()) === "online");
  }

  crashAt(lines: readonly string[]): void {
    writeFileSync(this.crashFile, lines.join("\n"));
  }

  /** Nothing waits for its place any more, and nothing is held. */
  clearCrashes(): void {
    for (const file of [this.crashFile, `${this.crashFile}.held`]) rmSync(file, { force: true });
  }

  get hasCrashes(): boolean {
    return existsSync(this.crashFile);
  }

  /** Resolves while the agent stands at a place; `letGo` lets it go on. */
  async held(): Promise<() => void> {
    const file = `${this.crashFile}.held`;
    for (let waited = 0; !existsSync(file); waited += 10) {
      if (waited > 60_000) throw new Error(`The agent never got there:\n${this.output.slice(-2000)}`);
      await sleep(10);
    }
    return () => rmSync(file);
  }

  /** How often a program was run on behalf of a machine, counted by the agent's own log of spawns. */
  spawned(program: string, vmId: string): number {
    if (!existsSync(this.#spawnLog)) return 0;
    const lines = readFileSync(this.#spawnLog, "utf8").split("\n");
    return lines.filter((line) => line.startsWith(program) && line.endsWith(vmId)).length;
  }

  /** The QEMU processes of this host, or of one of its machines. */
  qemus(vmId = ""): ProcessInfo[] {
    return qemusOf(join(this.paths.vmsDir, vmId));
  }

  async leave(): Promise<void> {
    await this.kill();
    for (const { pid } of this.qemus()) process.kill(pid, "SIGKILL");
    await this.cloud.until("no QEMU is left", async () => this.qemus().length === 0);
    await this.proxy.stop();
  }
}
