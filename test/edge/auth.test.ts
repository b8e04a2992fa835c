/** Sessions, refresh tokens and personal access tokens: what is revoked is refused by the next request. */
import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { eq } from "drizzle-orm";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { hashSecret, newId } from "../../api/ids.ts";
import { userGate } from "../../api/limits.ts";
import type { UserGate } from "../../api/objects/user-gate.ts";
import { hashPassword } from "../../db/passwords.ts";
import { refreshTokens, tokens, users } from "../../db/schema.ts";
import { Client } from "./client.ts";
import { until } from "./agent.ts";

const bindings = env as unknown as Env;
const db = drizzle(env.DB);
const nobody = new Client(null);
const password = "correct horse battery";
let passwordHash: string;
let name: string;
let id: string;
beforeAll(async () => {
  passwordHash = await hashPassword(password);
});
beforeEach(async () => {
  id = newId("user");
  name = `u${id.slice(-20)}`;
  const now = new Date().toISOString();
  await db.insert(users).values({
    ...{ id, username: name, passwordHash, role: "user", plan: "free", createdAt: now, updatedAt: now },
  });
});

const gate = () => bindings.USER_GATE.getByName(userGate(id));
const refresh = (refreshToken: string) => nobody.post("/auth/refresh", { refreshToken });

async function login(withPassword = password) {
  const { status, body } = await nobody.post("/auth/login", { username: name, password: withPassword });
  expect(status).toBe(200);
  return { client: new Client(body.token), refreshToken: body.data.refreshToken as string, data: body.data };
}

async function newToken(scopes: string[], more: object = {}) {
  const { client } = await login();
  const { status, body } = await client.post("/auth/tokens", { name: `t-${crypto.randomUUID()}`, scopes, ...more });
  expect(status).toBe(201);
  return {
    id: body.data.id as string,
    text: body.data.token as string,
    client: new Client(body.data.token),
    owner: client,
  };
}

describe("refreshing", () => {
  it("gives a new pair for a refresh token, as often as each is new", async () => {
    let { refreshToken } = await login();
    for (let turn = 0; turn < 3; turn++) {
      const { status, body } = await refresh(refreshToken);
      expect(status).toBe(200);
      expect(body.token).toBe(body.data.token);
      expect(body.data.refreshToken).not.toBe(refreshToken);
      expect((await new Client(body.token).get("/auth/me")).body.data.id).toBe(id);
      refreshToken = body.data.refreshToken;
    }
  });

  it("with a token that was used ends its session, and no other", async () => {
    const [stolen, other] = [await login(), await login()];
    const renewed = (await refresh(stolen.refreshToken)).body.data;
    expect(await refresh(stolen.refreshToken)).toMatchObject({
      status: 401,
      body: { error: { code: "UNAUTHENTICATED" } },
    });
    expect((await refresh(renewed.refreshToken)).status).toBe(401);
    expect((await new Client(renewed.token).get("/vms")).status).toBe(401);
    expect((await stolen.client.get("/vms")).status).toBe(401);
    expect((await other.client.get("/vms")).status).toBe(200);
    expect((await refresh(other.refreshToken)).status).toBe(200);
  });

  it("gives one of many that race for a token a pair, and then ends the session", async () => {
    const { client, refreshToken } = await login();
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect((await client.get("/vms")).status).toBe(401);
  });

  it("is refused for a guess, a session that has ended and a user who is disabled", async () => {
    expect((await refresh(`vvr_${"A".repeat(43)}`)).status).toBe(401);
    expect((await refresh("x".repeat(300))).status).toBe(400);
    const [out, off] = [await login(), await login()];
    await out.client.post("/auth/logout");
    expect((await refresh(out.refreshToken)).status).toBe(401);
    await db.update(users).set({ disabled: true }).where(eq(users.id, id));
    expect((await refresh(off.refreshToken)).status).toBe(401);
  });

  it("keeps the tokens as hashes alone", async () => {
    const { refreshToken } = await login();
    const rows = await db.select().from(refreshTokens);
    expect(rows.map(({ hash }) => hash)).toContain(await hashSecret(refreshToken));
    expect(JSON.stringify(rows)).not.toContain(refreshToken);
  });
});

describe("logging out", () => {
  it("is true for the next request, and leaves other sessions alone", async () => {
    const [one, other] = [await login(), await login()];
    expect((await one.client.get("/vms")).status).toBe(200);
    expect((await one.client.post("/auth/logout")).status).toBe(204);
    expect(await one.client.get("/vms")).toMatchObject({ status: 401, body: { error: { code: "UNAUTHENTICATED" } } });
    expect((await other.client.get("/vms")).status).toBe(200);
  });

  it("is still true when the user's object has lost its memory", async () => {
    const { client } = await login();
    await client.post("/auth/logout");
    await evictDurableObject(gate());
    expect((await client.get("/vms")).status).toBe(401);
  });

  it("changes nothing where the user's object does not answer", async () => {
    const { client } = await login();
    await runInDurableObject(gate(), (object: UserGate) => {
      object.hold = () => {
        throw new Error("gone");
      };
    });
    expect((await client.post("/auth/logout")).status).toBe(503);
    await evictDurableObject(gate());
    expect((await client.get("/vms")).status).toBe(200);
  });
});

describe("a request", () => {
  it("reads D1 for its user's rights once, and not again until they change", async () => {
    const { client } = await login();
    await client.get("/vms");
    // Nobody tells the object of this, so it can't know.
    await db.update(users).set({ disabled: true }).where(eq(users.id, id));
    expect((await client.get("/vms")).status).toBe(200);
    const admin = await Client.as("admin", "none");
    await admin.request("PATCH", `/users/${id}`, { email: "a@example.org" });
    expect((await client.get("/vms")).status).toBe(401);
  });

  it("is judged by D1 alone while a change is under way", async () => {
    const { client } = await login();
    await client.get("/vms");
    await gate().hold("change");
    await db.update(users).set({ disabled: true }).where(eq(users.id, id));
    expect((await client.get("/vms")).status).toBe(401);
    await db.update(users).set({ disabled: false }).where(eq(users.id, id));
    expect((await client.get("/vms")).status).toBe(200);
    await gate().release("change");
  });
});

describe("changing the password", () => {
  const next = "another long password";
  const change = (client: Client, currentPassword: string, newPassword = next) =>
    client.request("PUT", "/auth/password", { currentPassword, newPassword });

  it("needs the present one, ends the other sessions and keeps its own", async () => {
    const [own, other] = [await login(), await login()];
    expect(await change(own.client, "wrong")).toMatchObject({
      status: 403,
      body: { error: { code: "WRONG_PASSWORD" } },
    });
    expect((await change(own.client, password)).status).toBe(204);
    expect((await own.client.get("/vms")).status).toBe(200);
    expect((await other.client.get("/vms")).status).toBe(401);
    expect((await refresh(other.refreshToken)).status).toBe(401);
    expect((await nobody.post("/auth/login", { username: name, password })).status).toBe(401);
    await login(next);
  });

  it("refuses one that is short or endless before anything is hashed", async () => {
    const { client } = await login();
    expect((await change(client, password, "short")).status).toBe(400);
    expect((await change(client, password, "x".repeat(100_000))).status).toBe(400);
  });
});

describe("a login", () => {
  it("renews a hash that was made with older parameters, and the password stays good", async () => {
    const { scryptSync, randomBytes } = await import("node:crypto");
    const salt = randomBytes(16);
    const old = `scrypt$1024$8$1$${salt.toString("base64")}$${scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }).toString("base64")}`;
    await db.update(users).set({ passwordHash: old }).where(eq(users.id, id));
    await login();
    const [user] = await db.select().from(users).where(eq(users.id, id));
    expect(user?.passwordHash).toMatch(/^scrypt\$32768\$8\$3\$/);
    expect(user?.lastLoginAt).not.toBeNull();
    await login();
  });

  it("that fails is in the log, without the password and without a name that nobody has", async () => {
    await nobody.post("/auth/login", { username: name, password: "sesame-open" });
    await nobody.post("/auth/login", { username: "my-password-typed-here", password: "x" });
    const admin = await Client.as("admin", "none");
    await until(async () => {
      const { body } = await admin.get("/logs?source=auth&limit=100");
      const text = JSON.stringify(body.data.logs);
      expect(text).not.toContain("sesame-open");
      expect(text).not.toContain("my-password-typed-here");
      return text.includes(`A login of ${name} was refused`) && text.includes("a name that nobody has");
    }, "both failures are logged");
  });
});

describe("a personal access token", () => {
  it("works as far as its scopes reach, and is shown once", async () => {
    const { client, text, owner } = await newToken(["vm:read"]);
    expect(text).toMatch(/^vvm_[0-9a-z]{26}_[\w-]{43}$/);
    expect((await client.get("/vms")).status).toBe(200);
    expect(await client.get("/operations")).toMatchObject({ status: 403, body: { error: { code: "FORBIDDEN" } } });
    expect((await client.get("/auth/me")).status).toBe(403);
    expect((await client.post("/auth/logout")).status).toBe(403);
    const list = await owner.get("/auth/tokens");
    expect(list.body.data.tokens).toMatchObject([{ scopes: ["vm:read"], expiresAt: null }]);
    const kept = JSON.stringify([list.body, await db.select().from(tokens)]);
    expect(kept).not.toContain(text.slice(-43));
  });

  it("is refused from the request after its revocation on", async () => {
    const token = await newToken(["*"]);
    expect((await token.client.get("/vms")).status).toBe(200);
    expect((await token.owner.request("DELETE", `/auth/tokens/${token.id}`)).status).toBe(204);
    expect((await token.client.get("/vms")).status).toBe(401);
    expect(await token.owner.request("DELETE", `/auth/tokens/${token.id}`)).toMatchObject({
      ...{ status: 404, body: { error: { code: "TOKEN_NOT_FOUND" } } },
    });
  });

  it("expires", async () => {
    const token = await newToken(["*"], { expiresAt: new Date(Date.now() + 3_000).toISOString() });
    expect((await token.client.get("/vms")).status).toBe(200);
    await until(async () => (await token.client.get("/vms")).status === 401, "it has expired");
    expect(await token.client.get("/vms")).toMatchObject({ status: 401, body: { error: { code: "TOKEN_EXPIRED" } } });
    const past = new Date(Date.now() - 1000).toISOString();
    expect((await token.owner.post("/auth/tokens", { name: "p", scopes: ["*"], expiresAt: past })).status).toBe(400);
  });

  it("outlives the session that made it, and not its user", async () => {
    const { client, owner } = await newToken(["vm:*"]);
    await owner.post("/auth/logout");
    expect((await client.get("/vms")).status).toBe(200);
    const admin = await Client.as("admin", "none");
    await admin.request("PATCH", `/users/${id}`, { status: "disabled" });
    expect((await client.get("/vms")).status).toBe(401);
  });

  it("makes no other that reaches further, and gives nothing that its user lacks", async () => {
    const { client } = await newToken(["token:create", "vm:read"]);
    expect((await client.post("/auth/tokens", { name: "wider", scopes: ["vm:*"] })).status).toBe(403);
    expect((await client.post("/auth/tokens", { name: "same", scopes: ["vm:read"] })).status).toBe(201);
    const { client: all } = await newToken(["*"]);
    expect((await all.get("/hosts")).status).toBe(403);
    expect((await all.get("/users")).status).toBe(403);
  });

  it("says when it was used last, and is written for that at most once a minute", async () => {
    const { client, id: tokenId } = await newToken(["vm:read"]);
    const used = async () => (await db.select().from(tokens).where(eq(tokens.id, tokenId)))[0]?.lastUsedAt ?? null;
    expect(await used()).toBeNull();
    await client.get("/vms");
    await until(async () => (await used()) !== null, "the use is noted");
    const first = await used();
    await evictDurableObject(gate());
    for (let turn = 0; turn < 3; turn++) await client.get("/vms");
    await scheduler.wait(100);
    expect(await used()).toBe(first);
  });

  it.each([
    ["a scope that there isn't", { scopes: ["vm:fly"] }],
    ["no scope", { scopes: [] }],
    ["an unknown key", { scopes: ["*"], userId: "user-1" }],
    ["a name with a control character", { scopes: ["*"], name: "a\u0000" }],
  ])("with %s is a 400", async (_what, body) => {
    const { client } = await login();
    expect((await client.post("/auth/tokens", { name: "n", ...body })).status).toBe(400);
  });

  it("that is guessed, for a user who is there or not, is a 401 and leaves nothing behind", async () => {
    for (const ulid of [id.slice(5), "0".repeat(25) + "z"]) {
      expect((await new Client(`vvm_${ulid}_${"A".repeat(43)}`).get("/vms")).status).toBe(401);
    }
    const stranger = bindings.USER_GATE.getByName(userGate(`user-${"0".repeat(25)}z`));
    await runInDurableObject(stranger, (_object: UserGate, { storage }) => {
      expect([...storage.kv.list()]).toEqual([]);
    });
  });
});
