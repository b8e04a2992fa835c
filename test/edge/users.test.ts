/** Users, as administrators see them, and the trails that changes leave. */
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { FakeAgent, report, succeeded, until } from "./agent.ts";
import { addHost, type Answer, Client, machine } from "./client.ts";
import type { Env } from "../../api/env.ts";
import { sweep } from "../../api/sweep.ts";
import type { AuditNote } from "../../db/audit.ts";
import { insertHost } from "../../db/hosts.ts";

const nobody = new Client(null);
const password = "a long enough password";
let admin: Client;
let count = 0;
beforeAll(async () => {
  await addHost();
  admin = await Client.as("admin", "none");
});

async function create(more: object = {}): Promise<Answer> {
  return admin.post("/users", { username: `user-${++count}`, password, ...more });
}

async function loggedIn(username: string, withPassword = password): Promise<Client> {
  const { status, body } = await nobody.post("/auth/login", { username, password: withPassword });
  expect(status).toBe(200);
  return new Client(body.token, body.data.user.id);
}

const patch = (id: string, body: object, client = admin) => client.request("PATCH", `/users/${id}`, body);
const remove = (id: string, client = admin) => client.request("DELETE", `/users/${id}`);

describe("a user", () => {
  it("is made with what is asked for, can log in, and is never shown with a password", async () => {
    const quotas = { vms: 2, cpu: null };
    const { status, body, headers } = await create({
      ...{ username: "ada", email: "ada@example.org", role: "user", permissions: ["+host:read"], plan: "none", quotas },
    });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`/api/v1/users/${body.data.id}`);
    expect(body.data).toMatchObject({
      ...{ username: "ada", email: "ada@example.org", role: "user", plan: "none", status: "active", lastLoginAt: null },
      permissions: ["+host:read"],
      quotas: { vms: 2, cpu: null, memory: null, disk: null, snapshots: null },
    });
    const ada = await loggedIn("ada");
    expect((await ada.get("/hosts")).status).toBe(200);
    const shown = await admin.get(`/users/${body.data.id}`);
    expect(shown.body.data.lastLoginAt).not.toBeNull();
    expect(JSON.stringify(shown.body)).not.toMatch(/password|scrypt/);
  });

  it("has a name of their own, however many ask for it at once", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => create({ username: "grace" })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.error.code).toBe("NAME_TAKEN");
    const other = (await create()).body.data;
    expect((await patch(other.id, { username: "grace" })).status).toBe(409);
  });

  it.each([
    ["no name", { username: undefined }, "username"],
    ["a name with a space", { username: "a b" }, "username"],
    ["a name that reads backwards", { username: "a\u202Eb" }, "username"],
    ["a short password", { password: "short" }, "password"],
    ["a role that there isn't", { role: "root" }, "role"],
    ["a permission that there isn't", { permissions: ["vm:fly"] }, "permissions.0"],
    ["a negative quota", { quotas: { vms: -1 } }, "quotas.vms"],
    ["a quota that is too large to be meant", { quotas: { vms: 1e308 } }, "quotas.vms"],
    ["no e-mail address", { email: "ada" }, "email"],
    ["an unknown key", { isAdmin: true }, "isAdmin"],
    ["a prototype", JSON.parse('{"__proto__": {"role": "admin"}}'), "__proto__"],
  ])("with %s is a 400 that names the field", async (_what, more, path) => {
    const body = { username: "x", password, ...more };
    if (Object.hasOwn(more, "__proto__")) Object.defineProperty(body, "__proto__", { value: {}, enumerable: true });
    const answer = await admin.post("/users", body);
    expect(answer.status).toBe(400);
    expect(answer.body.error.fields.map((field: { path: string }) => field.path)).toContain(path);
  });

  it("is listed by role and status, a page at a time", async () => {
    const { id } = (await create()).body.data;
    await patch(id, { status: "disabled" });
    const disabled = (await admin.get("/users?status=disabled&limit=100")).body.data;
    expect(disabled.users.map((user: { id: string }) => user.id)).toContain(id);
    const admins = (await admin.get("/users?role=admin&limit=1")).body.data;
    expect(admins.users).toHaveLength(1);
    expect(admins.pagination).toMatchObject({ page: 1, limit: 1 });
    expect((await admin.get("/users?role=root")).status).toBe(400);
  });

  it("that there isn't is a 404", async () => {
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const { status, body } = await admin.request(method, "/users/user-x", method === "PATCH" ? {} : undefined);
      expect([status, body.error.code]).toEqual([404, "USER_NOT_FOUND"]);
    }
  });
});

describe("a change", () => {
  it("leaves what it doesn't name with PATCH, and replaces all but the password with PUT", async () => {
    const { id, username } = (await create({ email: "a@example.org", quotas: { vms: 3, disk: 9 } })).body.data;
    expect((await patch(id, { quotas: { vms: null } })).body.data).toMatchObject({
      ...{ email: "a@example.org", quotas: { vms: null, disk: 9 } },
    });
    const put = await admin.request("PUT", `/users/${id}`, { username });
    expect(put.body.data).toMatchObject({ email: null, plan: "free", quotas: { disk: null } });
    await loggedIn(username);
  });

  it("of the role holds for the next request with an old token", async () => {
    const { id, username } = (await create()).body.data;
    const user = await loggedIn(username);
    expect((await user.get("/users")).status).toBe(403);
    await patch(id, { role: "admin" });
    expect((await user.get("/users")).status).toBe(200);
    await patch(id, { role: "user", permissions: ["-vm:read"] });
    expect((await user.get("/vms")).status).toBe(403);
  });

  it("is refused where somebody else has changed the user since they were read", async () => {
    const { id } = (await create()).body.data;
    const tag = (await admin.get(`/users/${id}`)).headers.get("ETag") ?? "";
    const change = (plan: string) => admin.request("PATCH", `/users/${id}`, { plan }, { "If-Match": tag });
    expect((await change("none")).status).toBe(200);
    expect(await change("free")).toMatchObject({ status: 412, body: { error: { code: "PRECONDITION_FAILED" } } });
  });

  it("that disables or gives another password ends the sessions for good", async () => {
    const { id, username } = (await create()).body.data;
    const before = await loggedIn(username);
    await patch(id, { status: "disabled" });
    expect((await before.get("/vms")).status).toBe(401);
    expect(await nobody.post("/auth/login", { username, password })).toMatchObject({
      ...{ status: 401, body: { error: { code: "INVALID_CREDENTIALS" } } },
    });
    await patch(id, { status: "active", password: "quite another one" });
    expect((await before.get("/vms")).status).toBe(401);
    await loggedIn(username, "quite another one");
  });
});

describe("the last administrator", () => {
  it("can't be disabled, demoted, narrowed or deleted, and neither can the last two at once", async () => {
    const { results } = await env.DB.prepare("SELECT id FROM users WHERE role = 'admin'").all<{ id: string }>();
    for (const { id } of results) {
      if (id !== admin.id) await env.DB.prepare("UPDATE users SET role = 'user' WHERE id = ?").bind(id).run();
    }
    for (const body of [{ status: "disabled" }, { role: "user" }, { permissions: ["-user:update"] }]) {
      expect(await patch(admin.id, body)).toMatchObject({ status: 409, body: { error: { code: "LAST_ADMIN" } } });
    }
    expect(await remove(admin.id)).toMatchObject({ status: 409, body: { error: { code: "LAST_ADMIN" } } });

    const second = (await create({ role: "admin" })).body.data;
    const other = await loggedIn(second.username);
    const raced = await Promise.all([remove(second.id), remove(admin.id, other)]);
    expect(raced.filter(({ status }) => status === 204)).toHaveLength(1);
    const left = await env.DB.prepare("SELECT id FROM users WHERE role = 'admin'").all<{ id: string }>();
    expect(left.results).toHaveLength(1);
    if (left.results[0]?.id === second.id) admin = other;
  });
});

describe("deleting a user", () => {
  it("is refused while they own machines, and ends their sessions and tokens", async () => {
    const { id, username } = (await create()).body.data;
    const user = await loggedIn(username);
    await user.post("/vms", machine("kept"));
    const refused = await remove(id);
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "USER_HAS_VMS" } } });
    expect(refused.body.error.details).toContain("Delete the machines");
    await env.DB.prepare("DELETE FROM vms WHERE owner_id = ?").bind(id).run();
    expect((await remove(id)).status).toBe(204);
    expect((await user.get("/vms")).status).toBe(401);
    expect((await admin.get(`/users/${id}`)).status).toBe(404);
  });
});

describe("a right to users", () => {
  it("is no right to become an administrator", async () => {
    const { id, username } = (await create({ permissions: ["+user:*"] })).body.data;
    const clerk = await loggedIn(username);
    const refused = [
      await clerk.post("/users", { username: "mallory", password, role: "admin" }),
      await clerk.post("/users", { username: "mallory", password, permissions: ["*"] }),
      await patch(id, { permissions: ["*"] }, clerk),
      await patch(admin.id, { password: "taken over now" }, clerk),
      await remove(admin.id, clerk),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await clerk.post("/users", { username: "bob", password })).status).toBe(201);
  });
});

describe("the audit trail", () => {
  const entriesOf = async (query: string) => (await admin.get(`/audit?limit=100${query}`)).body.data.entries;

  it("says who changed what, with what, from where and how it went", async () => {
    const { id, username } = (await create()).body.data;
    const user = await loggedIn(username);
    const token = (await user.post("/auth/tokens", { name: "ci", scopes: ["vm:*"] })).body.data;
    const headers = { "CF-Connecting-IP": "192.0.2.7", "X-Request-Id": "traced" };
    const { body } = await new Client(token.token).post("/vms", machine("audited"), headers);
    await new Client(token.token).request("DELETE", "/vms/nothing");
    await new Client(token.token).post("/users", { username: "x" });
    await until(async () => (await entriesOf(`&userId=${id}`)).length === 5, "all are written");
    const [forbidden, notFound, vm, made, login] = await entriesOf(`&userId=${id}`);
    expect(login).toMatchObject({ route: "/auth/login", result: "succeeded", credential: { type: "none" } });
    expect(made).toMatchObject({ method: "POST", route: "/auth/tokens", credential: { type: "session" } });
    expect(made.credential.id).toMatch(/^ses-/);
    expect(vm).toMatchObject({
      ...{ user: { id, username }, credential: { type: "token", id: token.id }, address: "192.0.2.7" },
      ...{ method: "POST", route: "/vms", path: "/api/v1/vms", requestId: "traced", result: "succeeded", code: null },
    });
    expect(notFound).toMatchObject({ route: "/vms/:id", path: "/api/v1/vms/nothing", code: "VM_NOT_FOUND" });
    expect(forbidden).toMatchObject({ route: "/users", result: "refused", code: "FORBIDDEN" });
    expect(body.data.ownerId).toBe(id);
    const { results } = await env.DB.prepare("SELECT * FROM audit").all();
    expect(JSON.stringify(results)).not.toContain(password);
    expect(JSON.stringify(results)).not.toContain(token.token);
  });

  it("holds the entry of a machine's operation from the moment that the operation is there", async () => {
    const { body } = await admin.post("/vms", machine("at-once"), { "X-Request-Id": "at-once" });
    const { results } = await env.DB.prepare("SELECT * FROM audit WHERE request_id = 'at-once'").all();
    expect(body.data.operation.requestId).toBe("at-once");
    expect(results).toMatchObject([{ result: "succeeded", route: "/vms" }]);
  });

  it.each([
    ["a host", () => admin.post("/hosts", { name: "audited" }), 201, "succeeded"],
    ["a host's second name", () => admin.post("/hosts", { name: "audited" }), 409, "refused"],
    ["the configuration", () => admin.request("PUT", "/config", { defaults: { cpu: 2 } }), 200, "succeeded"],
    ["a user", () => create(), 201, "succeeded"],
  ])("tells of %s once", async (_what, change, status, result) => {
    const [last] = await entriesOf("");
    expect((await change()).status).toBe(status);
    await until(async () => (await entriesOf(`&after=${last.id}`)).length > 0, "it is written");
    await scheduler.wait(50);
    expect(await entriesOf(`&after=${last.id}`)).toMatchObject([{ result, user: { id: admin.id } }]);
  });

  it("has the entry of a change in the change's own batch, and none where nothing was changed", async () => {
    const name = "in-one-batch";
    const note = (key: string): AuditNote => ({
      ...{ key, timestamp: "2026-11-01T00:00:00.000Z", userId: null, username: null, credential: "none" },
      ...{ credentialId: null, address: null, method: "POST", route: "/hosts", path: "/hosts", requestId: key },
    });
    const token = (hash: string) => ({ hash, expiresAt: "2026-11-01T00:00:00.000Z" });
    for (const id of ["first", "second"]) {
      const host = { id, name, labels: {}, createdAt: "2026-11-01T00:00:00.000Z" };
      expect(await insertHost(env.DB, host, token(id), note(id))).toBe(id === "first");
    }
    const { results } = await env.DB.prepare("SELECT key FROM audit WHERE key IN ('first', 'second')").all();
    expect(results).toEqual([{ key: "first" }]);
  });

  it("refuses to be changed or shortened, even by SQL", async () => {
    for (const sql of ["UPDATE audit SET user_id = NULL", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 1"]) {
      await expect(env.DB.prepare(sql).run()).rejects.toThrow(/append-only/);
    }
  });

  it("misses nothing while it grows: after an entry come those that followed, oldest first", async () => {
    const [last] = await entriesOf("");
    const made = [(await create()).body.data, (await create()).body.data];
    const next = await entriesOf(`&after=${last.id}`);
    expect(next.length).toBeGreaterThanOrEqual(made.length);
    expect(next.map(({ id }: { id: string }) => id)).toEqual(
      next.map(({ id }: { id: string }) => id).toSorted((a: string, b: string) => a.localeCompare(b)),
    );
    expect((await admin.get("/audit?after=log-1")).status).toBe(400);
  });

  it("is not filled by strangers", async () => {
    const before = (await admin.get("/audit")).body.data.pagination.total;
    await nobody.post("/auth/login", { username: "nobody", password: "wrong" });
    await nobody.post("/vms", {});
    await nobody.post("/auth/refresh", { refreshToken: "x" });
    await scheduler.wait(100);
    expect((await admin.get("/audit")).body.data.pagination.total).toBe(before);
  });
});

describe("the system's log", () => {
  it("tells of hosts, operations and crashes, once each, by whom and by when", async () => {
    const agent = await FakeAgent.enrolled(admin, "logged");
    await agent.connect();
    agent.onExecute = (frame) => agent.done(frame, report(frame.vmId, "running"), succeeded);
    const { body } = await admin.post("/vms", machine("watched", { hostId: agent.hostId, start: true }), {
      Prefer: "wait=5",
    });
    const crash = report(body.data.id, "stopped", { fault: "crashed" });
    for (const sequence of [1, 2]) agent.send({ type: "event", sequence, event: "vm.crashed", vm: crash, message: "" });
    await agent.heard("event-ack", 1);
    agent.close();

    const logs = async (query: string) => (await admin.get(`/logs?limit=100&${query}`)).body.data.logs;
    await until(async () => (await logs("source=host&level=warn")).length === 1, "the host's end is logged");
    expect(await logs("source=host")).toMatchObject([
      { level: "warn", message: "Host went offline: logged", metadata: { hostId: agent.hostId } },
      { level: "info", message: "Host came online: logged" },
    ]);
    expect(await logs(`vmId=${body.data.id}`)).toMatchObject([
      { level: "error", source: "vm", message: "QEMU ended by itself", userId: admin.id },
      { level: "info", source: "operation", message: "vm.create succeeded", userId: admin.id },
    ]);
    const [{ id, timestamp }] = await logs("source=operation");
    expect((await logs(`after=${id}`)).length).toBe(2);
    expect(await logs(`from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    expect((await logs(`to=${timestamp}`)).length).toBeGreaterThan(0);
    expect((await admin.get("/logs?level=loud")).status).toBe(400);
  });

  it("is kept for thirty days", async () => {
    await sweep(env as unknown as Env, Date.now() + 31 * 86_400_000);
    expect((await admin.get("/logs")).body.data.logs).toEqual([]);
  });
});
