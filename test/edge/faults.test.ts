/** What is left of the API when what it stands on fails, and requests that are odd without being wrong. */
import { createExecutionContext, env } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import worker from "../../api/index.ts";
import { newId } from "../../api/ids.ts";
import { signAccessToken } from "../../api/tokens.ts";
import { hostsWithForgottenOperations } from "../../db/operations.ts";
import { queuedOperations } from "../../db/pending.ts";
import { dial, enrol, newKey } from "./agent.ts";
import { addHost, Client, jwtKeys, machine } from "./client.ts";

const bindings = env as unknown as Env;
const nobody = new Client(null);
let admin: Client;
let user: Client;
beforeAll(async () => {
  await addHost();
  [admin, user] = await Promise.all([Client.as("admin", "none"), Client.as("user", "none")]);
});

/** A request to the Worker on other bindings than the tests'. */
async function answer(changes: object, path: string, init: RequestInit = {}, more: Record<string, string> = {}) {
  const token = await signAccessToken(jwtKeys, { sub: user.id }, 60);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...more };
  const request = new Request(`http://edge.test${path}`, { ...init, headers });
  const response = await worker.fetch(request as never, { ...bindings, ...changes } as never, createExecutionContext());
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const withoutDatabase = {
  DB: {
    prepare() {
      throw new Error("SQLITE_CORRUPT: /srv/secret.sqlite");
    },
  },
};

describe("without its database", () => {
  it("health is 503 with a time to come back", async () => {
    const { status, headers, text } = await answer(withoutDatabase, "/api/v1/health");
    expect(status).toBe(503);
    expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(text).not.toContain("secret");
  });

  it("a read is a 500 that shows nothing of the inside", async () => {
    const { status, headers, text } = await answer(withoutDatabase, "/api/v1/vms");
    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ success: false, error: { code: "INTERNAL_SERVER_ERROR" } });
    expect(text).not.toMatch(/SQLITE|secret/);
    expect(headers.get("X-Request-Id")).not.toBeNull();
  });

  it("a host's dial is no refusal, which would send an admin looking for a stolen key", async () => {
    const { privateKey } = await newKey();
    const jwt = new SignJWT({}).setProtectedHeader({ alg: "EdDSA", typ: "voidvm-agent+jwt" }).setIssuer(newId("host"));
    const token = await jwt
      .setAudience("http://edge.test")
      .setIssuedAt()
      .setExpirationTime("60s")
      .setJti("a")
      .sign(privateKey);
    const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
    expect((await answer(withoutDatabase, "/api/v1/agent/link", {}, headers)).status).toBe(500);
  });
});

describe("without its objects", () => {
  const create = (name: string) => ({ method: "POST", body: JSON.stringify(machine(name)) });

  it.each<[string, () => Promise<void>]>([
    ["fail", () => Promise.reject(new Error("Durable Object reset"))],
    ["hang", () => new Promise(() => {})],
  ])("a creation is accepted where they %s, and the sweep delivers it", async (how, wake) => {
    const { status } = await answer({ HOST_LINK: { getByName: () => ({ wake }) } }, "/api/v1/vms", create(how));
    expect(status).toBe(201);
    expect((await user.get(`/vms/${how}`)).body.data.operation).toMatchObject({ kind: "vm.create", status: "queued" });
  });
});

describe("away from loopback", () => {
  const login = { method: "POST", body: JSON.stringify({ username: "admin", password: "admin123" }) };

  it("the default password is refused, before and after an administrator has it", async () => {
    const refused = { VOIDVM_DEFAULT_ADMIN: "refused" };
    await env.DB.prepare("DELETE FROM users WHERE username = 'admin'").run();
    expect(await answer(refused, "/api/v1/auth/login", login)).toMatchObject({ status: 403 });
    await nobody.post("/auth/login", { username: "admin", password: "admin123" });
    const { status, text } = await answer(refused, "/api/v1/auth/login", login);
    expect(status).toBe(403);
    expect(JSON.parse(text).error.code).toBe("DEFAULT_PASSWORD_REFUSED");
  });
});

describe("a request", () => {
  it("that names the type of a body which it doesn't send has an empty one", async () => {
    await user.post("/vms", machine("quiet"));
    expect((await user.post("/vms/quiet/start", "")).status).toBe(202);
    const { status, body } = await user.post("/vms", "");
    expect(status).toBe(400);
    expect(body.error.fields.map(({ path }: { path: string }) => path)).toEqual(["name", "cpu", "memory", "disk"]);
  });

  it("above a mebibyte is 413 where its length is not told, too", async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ < 40) controller.enqueue(new Uint8Array(65_536).fill(0x20));
        else controller.close();
      },
    });
    expect((await answer({}, "/api/v1/vms", { method: "POST", body })).status).toBe(413);
  });

  it("of an account that is gone or disabled since its token was made is 401", async () => {
    const [gone, disabled] = await Promise.all([Client.as("user", "none"), Client.as("user", "none")]);
    await env.DB.prepare("DELETE FROM users WHERE id = ?").bind(gone.id).run();
    await env.DB.prepare("UPDATE users SET disabled = 1 WHERE id = ?").bind(disabled.id).run();
    for (const client of [gone, disabled]) {
      expect((await client.post("/vms", machine("late"))).status).toBe(401);
      expect((await client.get("/auth/me")).status).toBe(401);
    }
  });

  it("that is not authenticated learns how to be", async () => {
    expect((await nobody.get("/vms")).headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
  });

  it("of HS256 with a host's public key as the secret opens no link", async () => {
    const { body } = await admin.post("/hosts", { name: "confused" });
    const key = await newKey();
    const { hostId } = (await enrol(body.data.enrolment.token, key)).body.data;
    const secret = Uint8Array.fromBase64(key.x, { alphabet: "base64url" });
    const jwt = new SignJWT({}).setProtectedHeader({ alg: "HS256", typ: "voidvm-agent+jwt" }).setIssuer(hostId);
    const token = await jwt
      .setAudience("http://edge.test")
      .setIssuedAt()
      .setExpirationTime("60s")
      .setJti("a")
      .sign(secret);
    expect((await dial(token)).status).toBe(401);
  });
});

describe("an operation", () => {
  it("that an administrator starts on a user's machine is the user's to follow, and nobody else's", async () => {
    const { id } = (await user.post("/vms", machine("shared", { start: true }))).body.data;
    const operation = (await admin.post(`/vms/${id}/stop`)).body.data;
    expect((await user.get(`/operations/${operation.id}`)).body.data).toMatchObject({
      kind: "vm.stop",
      userId: admin.id,
    });
    expect((await user.get(`/operations?vmId=${id}`)).body.data.pagination.total).toBe(2);
    const other = await Client.as("user");
    expect((await other.get(`/operations/${operation.id}`)).status).toBe(404);
    expect((await other.get(`/operations?vmId=${id}`)).body.data.operations).toEqual([]);
  });

  it("is found among many that have ended without reading those", async () => {
    await env.DB.prepare(
      `INSERT INTO operations (id, kind, status, vm_id, generation, host_id, user_id, request_id, target, created_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       SELECT 'op-' || i, 'vm.start', 'succeeded', 'vm-' || i, 1, 'host-1', 'user-1', 'r', 'running', '2026-01-01' FROM n`,
    ).run();
    const read = { rows: 0 };
    const counted = countingRows(env.DB, read);
    await queuedOperations(drizzle(counted), "host-1");
    await hostsWithForgottenOperations(counted, "2027-01-01");
    expect(read.rows).toBeLessThan(100);
  });
});

/** The database, and how many rows it read for what was asked through it. */
function countingRows(db: D1Database, read: { rows: number }): D1Database {
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (name !== "raw" && name !== "all") return Reflect.get(target, name, target);
        return async () => {
          const { results, meta } = await target.all();
          read.rows += meta.rows_read;
          return name === "all" ? { results, meta } : results.map((row) => Object.values(row));
        };
      },
    });
  return { prepare: (query: string) => wrap(db.prepare(query)) } as D1Database;
}
