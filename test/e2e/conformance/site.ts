/** The Worker in workerd behind a real socket, with an administrator, and things for operations to act on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../../scripts/build.ts";
import { startEdge } from "../../../scripts/edge.ts";
import { projectVersion } from "../../../scripts/project.ts";
import type { Operation } from "./document.ts";
import { freePort } from "../../free-port.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export class Site {
  readonly #origin: string;
  readonly #stop: () => Promise<void>;
  /** What the Worker said of errors that it did not expect. */
  readonly errors: string[];
  #token = "";
  #made = 0;

  private constructor(origin: string, errors: string[], stop: () => Promise<void>) {
    this.#origin = origin;
    this.errors = errors;
    this.#stop = stop;
  }

  static async start(): Promise<Site> {
    const home = await mkdtemp(join(tmpdir(), "voidvm-conformance-"));
    const port = await freePort();
    const errors: string[] = [];
    const { worker, assets } = await buildWorker();
    const edge = await startEdge({
      home,
      worker,
      assets,
      addresses: ["127.0.0.1"],
      port,
      vars: {
        VOIDVM_JWT_KEYS: `test:${"A".repeat(43)}`,
        VOIDVM_DEFAULT_ADMIN: "allowed",
        VOIDVM_VERSION: projectVersion,
      },
      // The login makes the administrator.
      prepare: async () => {},
      trustEarlierStart: false,
      onLog: (level, message) => {
        if (level === "error") errors.push(message);
      },
    });
    const site = new Site(`http://127.0.0.1:${port}`, errors, async () => {
      await edge.stop();
      await rm(home, { recursive: true, force: true });
    });
    await site.#prepare(await edge.database());
    return site;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  async send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.#origin}/api/v1${path}`, {
      method,
      headers: {
        ...(this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text || null };
  }

  /** Ids of what an operation can act on, in the states that there are. */
  async targets({ method, path }: Pick<Operation, "method" | "path">): Promise<string[]> {
    if (path.startsWith("/vms/")) return this.#machines();
    if (path.startsWith("/operations/")) {
      const vm = (await this.#create("/vms", machine(this.#name()))) as { operation: { id: string } };
      const { id } = vm.operation;
      // One that is under way would let a reader wait for it as long as they ask for.
      if (method === "GET") await this.#create(`/operations/${id}/cancel`, {});
      return [id];
    }
    if (path.startsWith("/users/")) {
      return this.#ids("/users", (username) => ({ username, password: "a password of it", plan: "none" }));
    }
    if (path.startsWith("/hosts/")) return this.#ids("/hosts", (name) => ({ name }));
    if (path.startsWith("/auth/tokens/")) return this.#ids("/auth/tokens", (name) => ({ name, scopes: ["vm:read"] }));
    if (path.startsWith("/images/")) {
      const url = "https://example.org/image.qcow2";
      return this.#ids("/images", (name) => ({ name, os: name, url, sha256: "0".repeat(64), format: "qcow2" }));
    }
    // No host is there to open one, so there is none that a ticket opens.
    if (path.startsWith("/streams/")) return [`stream-${"0".repeat(26)}`];
    return [];
  }

  async #prepare(db: D1Database): Promise<void> {
    const login = (await this.#create("/auth/login", { username: "admin", password: "admin123" })) as { token: string };
    this.#token = login.token;
    // A token, since logging out is among what is tried.
    const { token } = (await this.#create("/auth/tokens", { name: "all", scopes: ["*"] })) as { token: string };
    this.#token = token;
    await this.send(
      "PUT",
      "/config",
      JSON.stringify({ limits: { requestsPerMinute: 10_000_000, loginsPerMinute: 10_000_000 } }),
    );
    const { host } = (await this.#create("/hosts", { name: "room" })) as { host: { id: string } };
    const size = [1_000_000, 1_000_000_000, 100_000_000];
    await db
      .prepare(
        "UPDATE hosts SET status = 'online', capacity_cpu = ?, capacity_memory = ?, capacity_disk = ? WHERE id = ?",
      )
      .bind(...size, host.id)
      .run();
  }

  async #machines(): Promise<string[]> {
    const ids = [];
    for (const actions of [[], ["start"], ["start", "pause"]]) {
      const { id } = (await this.#create("/vms", machine(this.#name()))) as { id: string };
      for (const action of actions) await this.#create(`/vms/${id}/${action}`, {});
      ids.push(id);
    }
    return ids;
  }

  async #ids(path: string, body: (name: string) => object): Promise<string[]> {
    const ids = [];
    for (let left = 3; left > 0; left--) {
      const made = (await this.#create(path, body(this.#name()))) as { id?: string; host?: { id: string } };
      ids.push(made.id ?? made.host?.id ?? "");
    }
    return ids;
  }

  #name(): string {
    return `made-${++this.#made}`;
  }

  async #create(path: string, body: object): Promise<unknown> {
    const { status, body: answer } = await this.send("POST", path, JSON.stringify(body));
    if (status > 299) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
    return (answer as { data: unknown }).data;
  }
}

function machine(name: string): object {
  return { name, cpu: 1, memory: 256, disk: 10 };
}
