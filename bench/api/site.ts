/** The edge on this machine with an administrator, a simulated host, and users that own few and many machines. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { newId } from "../../api/ids.ts";
import { signAccessToken } from "../../api/tokens.ts";
import { buildAssets } from "../../scripts/build-assets.ts";
import { bundleWorker } from "../../scripts/build.ts";
import { type EdgeHandle, startEdge } from "../../scripts/edge.ts";
import { projectFolder, projectVersion } from "../../scripts/project.ts";
import { SimulatedHost, simulatedFacts } from "../sim/simulated-host.ts";

const keys = `bench:${"A".repeat(43)}`;
const noLimit = 10_000_000;
/** Room for all that a benchmark makes. */
const endless = { ...simulatedFacts, cpus: 1_000_000, memoryMib: 2_000_000_000, diskGib: 100_000_000 };

/** What joins as the host of the site. `token` is the one that `POST /hosts` answers. */
type Join = (origin: string, token: string, home: string) => Promise<{ leave(): void }>;

const simulated: Join = async (origin, token) => {
  const host = await SimulatedHost.enrolled(origin, token, { facts: endless });
  await host.start();
  return { leave: () => host.stop() };
};

export class Site {
  readonly origin: string;
  readonly #edge: EdgeHandle;
  readonly #home: string;
  #host: { leave(): void } | null = null;
  #hostId = "";
  admin = "";

  private constructor(origin: string, edge: EdgeHandle, home: string) {
    this.origin = origin;
    this.#edge = edge;
    this.#home = home;
  }

  static async start(port: number, join: Join = simulated): Promise<Site> {
    const home = await mkdtemp(joinPath(tmpdir(), "voidvm-bench-"));
    const worker = joinPath(projectFolder, "dist", "bench-worker.mjs");
    await bundleWorker("bench/api/worker.ts", worker);
    const edge = await startEdge({
      home,
      worker,
      assets: await buildAssets(),
      addresses: ["127.0.0.1"],
      port,
      vars: { VOIDVM_JWT_KEYS: keys, VOIDVM_DEFAULT_ADMIN: "allowed", VOIDVM_VERSION: projectVersion },
      // The login makes the administrator.
      prepare: async () => {},
      trustEarlierStart: false,
      onLog: (level, message) => {
        if (level === "error" && !message.includes('"level":"warn"')) console.error(message);
      },
    });
    const site = new Site(`http://127.0.0.1:${port}`, edge, home);
    await site.#prepare(join);
    return site;
  }

  async stop(): Promise<void> {
    this.#host?.leave();
    await this.#edge.stop();
    await rm(this.#home, { recursive: true, force: true });
  }

  async call<T>(method: string, path: string, body?: object, token = this.admin): Promise<T> {
    const response = await fetch(`${this.origin}${path}`, {
      method,
      headers: { "Content-Type": "application/json", ...(token === "" ? {} : { Authorization: `Bearer ${token}` }) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Has the machine's host do something, and waits for the end. */
  async act(vmId: string, action: string): Promise<void> {
    const response = await fetch(`${this.origin}/api/v1/vms/${vmId}/${action}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.admin}`, Prefer: "wait=10" },
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${action}: ${response.status} ${text}`);
  }

  /** So far, by the Worker and its objects. */
  async d1Calls(): Promise<number> {
    return (await this.call<{ calls: number }>("GET", "/bench/d1-calls")).calls;
  }

  limitTo(requestsPerMinute: number): Promise<unknown> {
    const limits = { requestsPerMinute, loginsPerMinute: noLimit };
    return this.call("PUT", "/api/v1/config", { limits });
  }

  /** A user's token, and one of the `count` machines that they own. */
  async ownerOf(count: number): Promise<{ token: string; vmId: string }> {
    const id = newId("user");
    const now = new Date().toISOString();
    const db = await this.#edge.database();
    await db
      .prepare(
        `INSERT INTO users (id, username, password_hash, role, plan, disabled, created_at, updated_at)
         VALUES (?, ?, 'none', 'user', 'none', 0, ?, ?)`,
      )
      .bind(id, id, now, now)
      .run();
    const token = await signAccessToken(keys, { sub: id }, 3600);
    const { data } = await this.call<{ data: { id: string } }>("POST", "/api/v1/vms", machine("first"), token);
    await this.#copy(data.id, count - 1);
    return { token, vmId: data.id };
  }

  /** Hosts and machines as rows: more hosts like the one that joined, and machines on all of them. */
  async addFleet({ hosts, vms }: { hosts: number; vms: number }): Promise<void> {
    const first = await this.call<{ data: { id: string } }>("POST", "/api/v1/vms", machine("first-of-all"));
    await this.#multiply("hosts", `id = '${this.#hostId}'`, hosts - 1, {
      id: "'host-' || lower(hex(randomblob(13)))",
      name: "'copy-' || n.i",
      enrolment_hash: "NULL",
      ...{ allocated_vms: "0", allocated_cpu: "0", allocated_memory: "0", allocated_disk: "0" },
    });
    await this.#copy(first.data.id, vms - 1, {
      name: "'copy-' || n.i",
      host_id: `json_extract((SELECT json_group_array(id) FROM hosts), '$[' || (n.i % ${hosts}) || ']')`,
    });
  }

  async #prepare(join: Join): Promise<void> {
    const credentials = { username: "admin", password: "admin123" };
    this.admin = (await this.call<{ token: string }>("POST", "/api/v1/auth/login", credentials)).token;
    await this.limitTo(noLimit);
    type Added = { data: { host: { id: string }; enrolment: { token: string } } };
    const { data } = await this.call<Added>("POST", "/api/v1/hosts", { name: "sim" });
    this.#hostId = data.host.id;
    this.#host = await join(this.origin, data.enrolment.token, this.#home);
  }

  /** Rows as a creation makes them, without their operations: 10,000 requests would take longer than the benchmark. */
  async #copy(vmId: string, count: number, more: Record<string, string> = {}): Promise<void> {
    await this.#multiply("vms", `id = '${vmId}'`, count, {
      id: "'vm-' || lower(hex(randomblob(13)))",
      name: "'copy-' || n.i",
      mac_address: "lower(hex(randomblob(6)))",
      created_at: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || n.i || ' seconds')",
      ...more,
    });
  }

  /** `changed`: by column, an expression in which `n.i` counts. */
  async #multiply(table: string, where: string, count: number, changed: Record<string, string>): Promise<void> {
    if (count < 1) return;
    const db = await this.#edge.database();
    const { results } = await db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all<{ name: string }>();
    const columns = results.map(({ name }) => name);
    const values = columns.map((column) => changed[column] ?? `${table}.${column}`);
    await db
      .prepare(
        `INSERT INTO ${table} (${columns.join(", ")})
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         SELECT ${values.join(", ")} FROM n, ${table} WHERE ${table}.${where}`,
      )
      .bind(count)
      .run();
  }
}

export function machine(name: string): object {
  return { name, cpu: 1, memory: 256, disk: 1 };
}
