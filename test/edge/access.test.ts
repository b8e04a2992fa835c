/** Every route of the table is tried by everybody who may not: whoever adds a route adds its entry, or fails here. */
import { env } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { access, apiBase, isForUsers, type RouteKey, routeKeyOf } from "../../api/access.ts";
import { app } from "../../api/app.ts";
import { hashSecret, newId } from "../../api/ids.ts";
import { newPersonalToken } from "../../api/personal-tokens.ts";
import { signAccessToken } from "../../api/tokens.ts";
import { tokens, users } from "../../db/schema.ts";
import { isAllowed, type Permission, permissions, roles } from "../../protocol/permissions.ts";
import { linkToken, newKey } from "./agent.ts";
import { addHost, Client, jwtKeys, machine } from "./client.ts";

const db = drizzle(env.DB);
const table = Object.entries(access) as [RouteKey, (typeof access)[RouteKey]][];
const guarded = table.filter((entry): entry is [RouteKey, Permission] => isForUsers(entry[1]));

/** Where things lie that tenants own. A new kind of them is named here, or its routes fail. */
const ownedAt = ["/vms/:id", "/operations/:id", "/auth/tokens/:id"] as const;
/** What is everybody's to see. */
const shared = ["/images/:id"];
let theirs: Record<(typeof ownedAt)[number], string>;

const pathOf = (key: RouteKey) => key.slice(key.indexOf(" ") + 1);
const kindOf = (key: RouteKey) => ownedAt.find((at) => pathOf(key) === at || pathOf(key).startsWith(`${at}/`));
const isUsers = (needed: Permission) => isAllowed({ role: "user", permissions: [], scopes: null }, needed);

let owner: Client;
let tenant: Client;
let agentToken: string;
beforeAll(async () => {
  await addHost();
  [owner, tenant] = await Promise.all([Client.as("user", "none"), Client.as("user", "none")]);
  const vm = (await owner.post("/vms", machine("theirs"))).body.data;
  const token = (await owner.post("/auth/tokens", { name: "theirs", scopes: ["*"] })).body.data;
  theirs = { "/vms/:id": vm.id, "/operations/:id": vm.operation.id, "/auth/tokens/:id": token.id };
  agentToken = await linkToken(newId("host"), await newKey());
});

/** Tries the route as it is in the table; what it answers without a body is enough to tell who was let in. */
function attempt(client: Client, key: RouteKey, id = "x") {
  const [method = "", path = ""] = key.split(" ");
  return client.request(method, path.replace(/:[A-Za-z]+/g, id));
}

/** A user who may do everything, but for what is taken away. */
async function withPermissions(changes: string[], scopes: string[] | null = null): Promise<Client> {
  const id = newId("user");
  const now = new Date().toISOString();
  await db.insert(users).values({
    ...{ id, username: id, passwordHash: "none", role: "admin", plan: "none", createdAt: now, updatedAt: now },
    permissions: changes,
  });
  if (scopes === null) return new Client(await signAccessToken(jwtKeys, { sub: id }, 60), id);
  const text = newPersonalToken(id);
  const row = { id: newId("tok"), userId: id, name: "t", hash: await hashSecret(text), scopes, createdAt: now };
  await db.insert(tokens).values(row);
  return new Client(text, id);
}

describe("the route table", () => {
  it("has every route that is mounted, and none that is not", () => {
    const mounted = app.routes.filter(({ method }) => method !== "ALL");
    expect(mounted.filter(({ method, path }) => routeKeyOf(method, path) === null)).toEqual([]);
    const known = new Set(mounted.map(({ method, path }) => routeKeyOf(method, path)));
    expect(Object.keys(access).filter((key) => !known.has(key as RouteKey))).toEqual([]);
  });

  it("opens to nobody but who logs in, asks for health, reads the documentation or installs a host", () => {
    const open = table.filter(([, needed]) => needed === "open").map(([key]) => key);
    const expected = ["GET /health", "POST /auth/login", "POST /auth/refresh", "GET /openapi.json", "GET /install.sh"];
    expect(open.filter((key) => !expected.includes(key) && !key.startsWith("GET /docs"))).toEqual([]);
  });

  it("lets an administrator do everything but what was taken away", () => {
    const admin = { role: "admin" as const, permissions: [], scopes: null };
    expect(guarded.filter(([, needed]) => !isAllowed(admin, needed))).toEqual([]);
    expect(guarded.filter(([, needed]) => isAllowed({ ...admin, permissions: [`-${needed}`] }, needed))).toEqual([]);
  });

  it("says whose the thing is in every path that a user may name one in", () => {
    const named = guarded.filter(([key, needed]) => isUsers(needed) && pathOf(key).includes(":"));
    expect(named.filter(([key]) => !kindOf(key) && !shared.includes(pathOf(key)))).toEqual([]);
  });
});

describe.each(guarded)("%s", (key, needed) => {
  it("is closed to nobody in particular", async () => {
    expect(await attempt(new Client(null), key)).toMatchObject({
      ...{ status: 401, body: { error: { code: "UNAUTHENTICATED" } } },
    });
  });

  it("is closed to an agent's token", async () => {
    expect((await attempt(new Client(agentToken), key)).status).toBe(401);
  });

  it("is closed to a user without the right", async () => {
    const client = await withPermissions([`-${needed}`]);
    expect(await attempt(client, key)).toMatchObject({ status: 403, body: { error: { code: "FORBIDDEN" } } });
  });

  it("is closed to a token without the scope", async () => {
    const others = Object.keys(permissions).filter((permission) => permission !== needed);
    const client = await withPermissions([], others);
    expect(await attempt(client, key)).toMatchObject({ status: 403, body: { error: { code: "FORBIDDEN" } } });
  });
});

describe("another tenant", () => {
  it.each(guarded.filter(([key, needed]) => isUsers(needed) && kindOf(key)))("finds nothing at %s", async (key) => {
    const [method = "", path = ""] = key.split(" ");
    const kind = kindOf(key) as (typeof ownedAt)[number];
    // A body that passes, since it is looked at before the thing that it is for.
    const body = { POST: {}, PATCH: { description: "mine" }, PUT: { description: "mine" } }[method];
    const upgrade = method === "GET" ? { Upgrade: "websocket" } : undefined;
    const answer = await tenant.request(method, path.replace(":id", theirs[kind]), body, upgrade);
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toMatch(/_NOT_FOUND$/);
  });

  it.each(guarded.filter(([, needed]) => !isUsers(needed)))("is refused %s", async (key) => {
    expect((await attempt(tenant, key)).status).toBe(403);
  });
});

describe("an agent's route", () => {
  it.each(table.filter(([, needed]) => needed === "agent"))("%s is closed to users", async (key) => {
    const [method = "", path = ""] = key.split(" ");
    const admin = await Client.as("admin", "none");
    const upgrade = method === "GET" ? { Upgrade: "websocket" } : undefined;
    const { status } = await admin.request(method, path, undefined, upgrade);
    expect([400, 401]).toContain(status);
  });
});

describe("what the table does not have", () => {
  it("answers 404 to everybody, whoever they are", async () => {
    for (const client of [new Client(null), owner, await Client.as("admin", "none")]) {
      for (const path of ["/nothing", "/vms/x/nothing", "/hosts/x/y/z"])
        expect((await client.get(path)).status).toBe(404);
    }
  });

  it("is refused even where it is mounted", () => {
    expect(routeKeyOf("GET", `${apiBase}/__proto__`)).toBeNull();
    expect(routeKeyOf("GET", "/toString")).toBeNull();
    expect(routeKeyOf("DELETE", `${apiBase}/vms`)).toBeNull();
  });
});

describe("rights", () => {
  const of = (role: "admin" | "user", changes: string[] = [], scopes: string[] | null = null) => ({
    ...{ role, permissions: changes, scopes },
  });
  it.each([
    ["a role grants what it lists", of("user"), "vm:start", true],
    ["a role grants nothing else", of("user"), "host:read", false],
    ["a plus widens", of("user", ["+host:read"]), "host:read", true],
    ["no sign widens too", of("user", ["host:read"]), "host:read", true],
    ["a minus narrows", of("admin", ["-vm:delete"]), "vm:delete", false],
    ["a minus wins, whatever the order", of("user", ["-vm:start", "+vm:start"]), "vm:start", false],
    ["a minus takes a whole resource", of("admin", ["-vm:*"]), "vm:read", false],
    ["scopes cut down", of("admin", [], ["vm:read"]), "vm:start", false],
    ["scopes add nothing", of("user", [], ["*"]), "host:read", false],
    ["a resource's name is no prefix", of("user", ["+vm:read"], ["v"]), "vm:read", false],
  ] as const)("%s", (_what, rights, permission, expected) => {
    expect(isAllowed(rights as never, permission)).toBe(expected);
  });

  it("are told in the reader's language", async () => {
    const { body } = await owner.get("/permissions");
    expect(body.data.permissions).toContainEqual({ name: "vm:start", description: "Start virtual machines" });
    const chinese = await owner.get("/roles", { "Accept-Language": "zh-CN" });
    expect(chinese.body.data.roles.map(({ name }: { name: string }) => name)).toEqual(Object.keys(roles));
    expect(chinese.body.data.roles[0]).toMatchObject({ name: "admin", grants: ["*"], sees: "all" });
    expect(chinese.body.data.roles[0].permissions).toEqual(Object.keys(permissions));
  });

  it("of the caller stand in /auth/me, as they are with the credential at hand", async () => {
    expect((await owner.get("/auth/me")).body.data.allowed).not.toContain("user:read");
    const narrowed = await withPermissions([], ["vm:read", "account:read"]);
    expect((await narrowed.get("/auth/me")).body.data.allowed).toEqual(["vm:read", "account:read"]);
  });
});
