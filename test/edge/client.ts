/** A client of the Worker for the tests, and hosts and users that are put straight into its database. */
import { env, SELF } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { newId } from "../../api/ids.ts";
import { signAccessToken } from "../../api/tokens.ts";
import { type HostRow, hosts, users } from "../../db/schema.ts";
import type { Role } from "../../protocol/permissions.ts";

export const jwtKeys = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

export interface Answer {
  status: number;
  headers: Headers;
  // Tests look into answers of every shape.
  body: any;
}

export class Client {
  readonly token: string | null;
  readonly id: string;

  constructor(token: string | null, id = "") {
    this.token = token;
    this.id = id;
  }

  /** A new user with a token of their own. */
  static async as(role: Role, plan: "none" | "free" = "free"): Promise<Client> {
    const id = newId("user");
    const now = new Date().toISOString();
    const row = { id, username: id, passwordHash: "none", role, plan, createdAt: now, updatedAt: now };
    await drizzle(env.DB).insert(users).values(row);
    return new Client(await signAccessToken(jwtKeys, { sub: id }, 600), id);
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await SELF.fetch(`http://edge.test/api/v1${path}`, {
      method,
      headers: {
        ...(this.token === null ? {} : { Authorization: `Bearer ${this.token}` }),
        "Accept-Language": "en",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.includes("json");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text || null,
    };
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.request("GET", path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.request("POST", path, body, headers);
  }
}

export const patch = (who: Client, path: string, body: object, headers?: Record<string, string>) =>
  who.request("PATCH", path, body, headers);

export const machine = (name: string, more: object = {}) => ({ name, cpu: 1, memory: 256, disk: 1, ...more });

/** A host as if its agent had said hello. */
export async function addHost(values: Partial<HostRow> = {}): Promise<string> {
  const id = newId("host");
  await drizzle(env.DB)
    .insert(hosts)
    .values({
      id,
      name: id,
      status: "online",
      labels: {},
      ...{ capacityCpu: 1000, capacityMemory: 1_000_000, capacityDisk: 100_000 },
      createdAt: new Date().toISOString(),
      ...values,
    });
  return id;
}
