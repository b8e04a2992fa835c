/**
 * A whole VoidVM of its own for a test: what `npm start` starts, on a free port, with state in a folder of its own.
 *
 * Nothing in it is a fake: workerd with D1 and objects, an agent, QEMU on real disks, and sockets between them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { descendants, isQemu, type ProcessInfo, qemusOf, readProcess } from "./processes.ts";
import { freePort } from "../free-port.ts";

const project = new URL("../../", import.meta.url).pathname;

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { success: boolean; data: T; error?: { code: string; message: string; details: string } };
}

export interface VmView {
  id: string;
  name: string;
  status: string;
  statusReason: string | null;
  accelerator: string | null;
  operation: OperationView | null;
}

export interface OperationView {
  id: string;
  kind: string;
  status: string;
  result: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
}

/** No name below `.invalid` is ever there, whatever network this machine has. */
export const unreachableImage = {
  name: "Unreachable",
  os: "unreachable",
  url: "https://images.invalid/image.qcow2",
  sha256: "0".repeat(64),
  format: "qcow2",
};

/** No patience helps against it. */
class StartEnded extends Error {}

export class Cloud {
  readonly home: string;
  readonly port: number;
  readonly spawnLog: string;
  readonly crashFile: string;
  output = "";
  #child: ChildProcess | null = null;
  #token = "";

  private constructor(home: string, port: number) {
    this.home = home;
    this.port = port;
    this.spawnLog = join(home, "spawned.log");
    this.crashFile = join(home, "crash-at");
  }

  /** Starts one in a new folder, logged in and with its host online. */
  static async start(): Promise<Cloud> {
    const cloud = new Cloud(await mkdtemp(join(tmpdir(), "voidvm-e2e-")), await freePort());
    await cloud.up();
    return cloud;
  }

  /** The administrator's. */
  get token(): string {
    return this.#token;
  }

  get base(): string {
    return `http://localhost:${this.port}/api/v1`;
  }

  /** Starts the processes on the state that is there. */
  async up(): Promise<void> {
    const child = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: project,
      env: {
        ...process.env,
        PORT: String(this.port),
        VOIDVM_HOME: this.home,
        VOIDVM_RUN: join(this.home, "run"),
        VOIDVM_SPAWN_LOG: this.spawnLog,
        VOIDVM_CRASH_AT: this.crashFile,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.on("data", (data) => (this.output += data));
    child.stderr.on("data", (data) => (this.output += data));
    await this.until("the host is online", async () => {
      if (child.exitCode !== null) throw new StartEnded(`The start ended with ${child.exitCode}:\n${this.output}`);
      if (this.#token === "") await this.#login();
      const { body } = await this.get<{ hosts: { status: string }[] }>("/hosts");
      return body.data.hosts[0]?.status === "online";
    });
  }

  get<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return this.request<T>("GET", path);
  }

  post<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>> {
    return this.request<T>("POST", path, body, headers);
  }

  async request<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        "Accept-Language": "en",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text === "" ? { success: response.ok } : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: answer as Answer<T>["body"] };
  }

  /** A WebSocket at an address, or below the API with the administrator's token. */
  async connect(address: string, protocols: string[] = []): Promise<WebSocket> {
    const isTicket = address.startsWith("ws:");
    const url = isTicket ? address : `${this.base}${address}`.replace("http:", "ws:");
    const headers = isTicket ? {} : { Authorization: `Bearer ${this.#token}` };
    const socket = new WebSocket(url, protocols, { headers });
    await once(socket, "open");
    return socket;
  }

  /** Acts on a machine and waits for the operation's end. */
  async act(id: string, action: string, body?: unknown): Promise<OperationView> {
    const { body: answer } = await this.post<OperationView>(`/vms/${id}/${action}`, body, { Prefer: "wait=55" });
    if (!answer.success) throw new Error(`${action}: ${JSON.stringify(answer.error)}`);
    return this.operation(answer.data.id);
  }

  /** The operation, once it has ended. */
  async operation(id: string): Promise<OperationView> {
    let last: OperationView | null = null;
    await this.until(`operation ${id} has ended`, async () => {
      const { body } = await this.get<OperationView>(`/operations/${id}?wait=5`);
      last = body.data;
      return !["queued", "running"].includes(body.data.status);
    });
    return last as unknown as OperationView;
  }

  async vm(id: string): Promise<VmView> {
    return (await this.get<VmView>(`/vms/${id}`)).body.data;
  }

  /** A tiny machine: created, and started where `start` is true. */
  async createTiny(name: string, start = false): Promise<VmView> {
    const body = { name, cpu: 1, memory: 128, disk: 1, os: "tiny", start };
    const answer = await this.post<VmView>("/vms", body, { Prefer: "wait=55" });
    if (answer.status !== 201) throw new Error(`create: ${answer.status} ${JSON.stringify(answer.body.error)}`);
    await this.until(`${name} is made`, async () => (await this.vm(answer.body.data.id)).operation === null);
    return this.vm(answer.body.data.id);
  }

  /** Resolves once the guest has said on its serial console that it is up. */
  async booted(idOrName: string): Promise<void> {
    const { id } = await this.vm(idOrName);
    const log = join(this.home, "agent", "vms", id, "serial.log");
    await this.until(`${idOrName} is up`, async () => readFileSync(log, "utf8").includes("TINY READY"));
  }

  /** Tries until it is true. What it throws on the way counts as not yet. */
  async until(what: string, check: () => Promise<boolean>, timeoutMs = 120_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let failure: unknown;
    while (Date.now() < deadline) {
      try {
        if (await check()) return;
        failure = undefined;
      } catch (error) {
        if (error instanceof StartEnded) throw error;
        failure = error;
      }
      await sleep(100);
    }
    const because = failure ? ` (${(failure as Error).message})` : "";
    throw new Error(`Not within ${timeoutMs / 1000} s: ${what}${because}\n${this.output}\n${this.logs()}`);
  }

  /** The files, logs and databases that hold a text; disks and images are left out. */
  async holds(text: string): Promise<string[]> {
    const entries = await readdir(this.home, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return files.filter((file) => statSync(file).size < 16_777_216 && readFileSync(file).includes(text));
  }

  /** The machines' folders that the host has. */
  hostFolders(): Promise<string[]> {
    return readdir(join(this.home, "agent", "vms"));
  }

  /** Which QEMU processes there are. Whose children they are changes when an agent dies. */
  qemus(): Pick<ProcessInfo, "pid" | "startTicks">[] {
    return qemusOf(this.home).map(({ pid, startTicks }) => ({ pid, startTicks }));
  }

  /** How often a program was run on behalf of a machine, counted by the agent's own log of spawns. */
  spawned(program: string, vmId: string): number {
    if (!existsSync(this.spawnLog)) return 0;
    const lines = readFileSync(this.spawnLog, "utf8").split("\n");
    return lines.filter((line) => line.startsWith(program) && line.endsWith(vmId)).length;
  }

  logs(): string {
    const read = (name: string) => {
      const file = join(this.home, "logs", name);
      return existsSync(file) ? `--- ${name}\n${readFileSync(file, "utf8").slice(-3000)}` : "";
    };
    return read("edge.log") + read("agent.log");
  }

  process(name: "edge" | "workerd" | "agent"): ProcessInfo {
    const found = descendants(this.#child?.pid ?? 0).find(({ command }) => commands[name](command));
    if (!found) throw new Error(`No ${name} process`);
    return found;
  }

  runs(pid: number, startTicks: number): boolean {
    return readProcess(pid)?.startTicks === startTicks;
  }

  kill(name: "edge" | "workerd" | "agent"): void {
    process.kill(this.process(name).pid, "SIGKILL");
  }

  /** Everything but the machines, at once, without a chance to say goodbye. */
  async killAll(): Promise<void> {
    const all = descendants(this.#child?.pid ?? 0).filter((process) => !isQemu(process));
    for (const { pid } of all) process.kill(pid, "SIGKILL");
    await this.until("all are gone", async () =>
      all.every((one) => readProcess(one.pid)?.startTicks !== one.startTicks),
    );
  }

  /** Ctrl-C, and the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    return exited;
  }

  /** Ends everything that this cloud started, machines too, and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop();
    for (const { pid } of this.qemus()) process.kill(pid, "SIGKILL");
    await this.until("no QEMU is left", async () => this.qemus().length === 0);
    const suite = process.env["VOIDVM_SPAWN_LOG"];
    if (suite && existsSync(this.spawnLog)) appendFileSync(suite, readFileSync(this.spawnLog));
    await rm(this.home, { recursive: true, force: true });
  }

  async #login(): Promise<void> {
    const response = await fetch(`${this.base}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username: "admin", password: "admin123" }),
    });
    this.#token = ((await response.json()) as { token: string }).token;
    // Tests look more often than people do.
    const { status } = await this.request("PUT", "/config", { limits: { requestsPerMinute: 100_000 } });
    if (status !== 200) throw new Error(`The limit was not raised: ${status}`);
  }
}

const commands: Record<"edge" | "workerd" | "agent", (command: readonly string[]) => boolean> = {
  edge: (command) => command.some((argument) => argument.includes("scripts/edge")),
  workerd: (command) => command[0]?.endsWith("/workerd") ?? false,
  agent: (command) => command.at(-2)?.endsWith("/agent.mjs") === true && command.at(-1) === "run",
};
