/** An edge without an agent, for a test that brings hosts of its own: workerd, D1 and objects, as `npm start` runs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";

const project = join(import.meta.dirname, "../..");

export class EdgeProcess {
  readonly home: string;
  readonly url: string;
  output = "";
  readonly #child: ChildProcess;
  #token = "";

  private constructor(home: string, port: number) {
    this.home = home;
    this.url = `http://localhost:${port}`;
    this.#child = spawn(process.execPath, ["scripts/edge-main.ts"], {
      cwd: project,
      env: { ...process.env, PORT: String(port), VOIDVM_HOME: home },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", (data) => (this.output += data));
  }

  /** One in a new folder, with its administrator logged in. */
  static async start(): Promise<EdgeProcess> {
    const edge = new EdgeProcess(await mkdtemp(join(tmpdir(), "voidvm-edge-")), await freePort());
    await edge.until("the edge answers", () => edge.#login());
    return edge;
  }

  /** The `data` of the answer. Errors: `Error` with the refusal. */
  async request<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json", Prefer: "wait=55" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const answer = (await response.json()) as { data: T; error?: { code: string } };
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.error?.code}`);
    return answer.data;
  }

  async until(what: string, check: () => Promise<boolean>, timeoutMs = 120_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let failure = "";
    for (;;) {
      const isSo = await check().catch((error: Error) => ((failure = error.message), false));
      if (isSo) return;
      if (Date.now() > deadline) throw new Error(`Not in time: ${what} (${failure})\n${this.output}`);
      await sleep(100);
    }
  }

  async dispose(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null) await ended;
    await rm(this.home, { recursive: true, force: true });
  }

  async #login(): Promise<boolean> {
    const response = await fetch(`${this.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username: "admin", password: "admin123" }),
    });
    this.#token = ((await response.json()) as { token: string }).token;
    await this.request("PUT", "/config", { limits: { requestsPerMinute: 100_000 } });
    return true;
  }
}
