/** Users' sockets on `/ws`: who gets in, how many, and who must go. */
import {
  env,
  evictDurableObject,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { rememberConfig } from "../../api/config.ts";
import type { Env } from "../../api/env.ts";
import { userHub } from "../../api/hubs.ts";
import { hashSecret, newId } from "../../api/ids.ts";
import type { UserHub } from "../../api/objects/user-hub.ts";
import { signAccessToken } from "../../api/tokens.ts";
import { updateConfig } from "../../db/config.ts";
import { until } from "./agent.ts";
import { Client, jwtKeys, patch } from "./client.ts";
import { openSocket, Socket } from "./socket.ts";

const bindings = env as unknown as Env;
const hub = (user: Client) => bindings.USER_HUB.getByName(userHub(user.id));
let admin: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
});

/** A socket that has not said whose it is. */
async function unknownSocket(): Promise<Socket> {
  const { socket } = await openSocket();
  if (!socket) throw new Error("No socket");
  return socket;
}

/** A user who logged in, with the session's token. */
async function loggedIn() {
  const name = `u${crypto.randomUUID().slice(0, 8)}`;
  const password = "correct horse";
  const { id } = (await admin.post("/users", { username: name, password })).body.data;
  const { token, data } = (await new Client(null).post("/auth/login", { username: name, password })).body;
  return { user: new Client(token, id), refreshToken: data.refreshToken as string, name, password };
}

describe("a socket", () => {
  it("is opened by a token in the address, in a header, by a ticket and by its first message", async () => {
    const user = await Client.as("user");
    const { url, expiresAt } = (await user.post("/auth/ws-ticket", {})).body.data;
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(30_000);
    const opened = [
      await openSocket(`?token=${user.token}`),
      await openSocket("", { Authorization: `Bearer ${user.token}` }),
      await openSocket(new URL(url).search),
    ];
    for (const { socket } of opened) expect(await socket?.ask("ping")).toMatchObject({ type: "pong" });
    const socket = await unknownSocket();
    const answer = await socket.ask("auth", { token: user.token });
    expect(answer).toMatchObject({ type: "auth", data: { status: "success", userId: user.id } });
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
  });

  it("is opened by a personal access token, and may do what its scopes say", async () => {
    const user = await Client.as("user");
    const { token } = (await user.post("/auth/tokens", { name: "t", scopes: ["operation:read"] })).body.data;
    const { socket } = await openSocket(`?token=${token}`);
    expect(await socket?.subscribe({ topic: "operations" })).toMatchObject({ type: "subscribe" });
    expect(await socket?.subscribe({ topic: "vm-status-all" })).toMatchObject({ data: { code: "FORBIDDEN" } });
  });

  it("takes what follows its first message without waiting for the answer", async () => {
    const user = await Client.as("user");
    const socket = await unknownSocket();
    socket.send({ type: "auth", data: { token: user.token } });
    expect(await socket.subscribe({ topic: "vm-status-all" })).toMatchObject({ type: "subscribe" });
  });

  it("of a page of another origin is refused, and of this one or an allowed one is not", async () => {
    const user = await Client.as("user");
    const from = async (origin: string) => (await openSocket(`?token=${user.token}`, { Origin: origin })).status;
    expect(await from("https://evil.example")).toBe(403);
    expect(await from("null")).toBe(403);
    expect(await from("http://edge.test")).toBe(101);
  });

  it("is no page", async () => {
    const { status, error } = await openSocket("", { Upgrade: "" });
    expect([status, error?.code]).toEqual([426, "UPGRADE_REQUIRED"]);
  });

  it.each([
    ["no token", "?token=nothing", 401, "UNAUTHENTICATED"],
    ["a ticket that nobody made", `?ticket=vvs_${"0".repeat(26)}_${"A".repeat(43)}`, 401, "UNAUTHENTICATED"],
    ["what is no ticket", "?ticket=x", 401, "UNAUTHENTICATED"],
    ["an unknown word", "?tokn=x", 400, "INVALID_REQUEST_PARAMS"],
  ])("with %s is refused with the reason", async (_what, query, status, code) => {
    expect(await openSocket(query)).toMatchObject({ status, error: { code } });
  });

  it("is opened by a ticket once, and not late", async () => {
    const user = await Client.as("user");
    const ticket = async () => (await user.post("/auth/ws-ticket", {})).body.data.ticket as string;
    const once = await ticket();
    const both = await Promise.all([openSocket(`?ticket=${once}`), openSocket(`?ticket=${once}`)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([101, 401]);
    const late = await ticket();
    await runInDurableObject(hub(user), async (_: UserHub, { storage }) => {
      const key = `ticket:${await hashSecret(late)}`;
      storage.kv.put(key, { ...storage.kv.get<object>(key), expiresAt: Date.now() - 1 });
    });
    expect(await openSocket(`?ticket=${late}`)).toMatchObject({ status: 401 });
    await runInDurableObject(hub(user), (_: UserHub, { storage }) => {
      expect(JSON.stringify([...storage.kv.list()])).not.toContain(late.slice(-43));
    });
  });

  it.each([
    ["is no JSON", "{", 4400],
    ["is no object", "7", 4400],
    ["has a token that is no string", '{"type":"auth","data":{"token":7}}', 4400],
    ["asks for something else", '{"type":"ping"}', 4401],
    ["has a wrong token", '{"type":"auth","data":{"token":"wrong"}}', 4401],
  ])("whose first message %s hears why and is closed", async (_what, text, code) => {
    const socket = await unknownSocket();
    socket.send(text);
    expect(await socket.closedWith()).toBe(code);
    expect(socket.messages).toMatchObject([{ type: "error" }]);
  });

  it("that doesn't say whose it is is closed after ten seconds, and leaves nothing behind", async () => {
    const before = new Set((await listDurableObjectIds(bindings.USER_HUB)).map(String));
    const socket = await unknownSocket();
    const id = (await listDurableObjectIds(bindings.USER_HUB)).find((one) => !before.has(one.toString()));
    const stub = bindings.USER_HUB.get(id as DurableObjectId);
    await runInDurableObject(stub, async (_: UserHub, state) => {
      expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now() + 5_000);
      for (const one of state.getWebSockets()) one.serializeAttachment({ ...one.deserializeAttachment(), openedAt: 0 });
    });
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await socket.closedWith()).toBe(4401);
    const left = () =>
      runInDurableObject(stub, async (_: UserHub, { storage }) => ({
        kept: [...storage.kv.list()].length,
        alarm: await storage.getAlarm(),
      }));
    await until(async () => JSON.stringify(await left()) === '{"kept":0,"alarm":null}', "the storage is given back");
  });
});

describe("a user", () => {
  const open = (user: Client) => openSocket(`?token=${user.token}`);

  it("has exactly ten sockets, however many come at once and in whichever way", async () => {
    const user = await Client.as("user");
    const byMessage = async () => {
      const socket = await unknownSocket();
      const answer = await socket.ask("auth", { token: user.token });
      return answer.type === "auth" ? "in" : ((await socket.closedWith()) as number);
    };
    const byToken = async () => {
      const { status, error } = await open(user);
      return status === 101 ? "in" : error?.code;
    };
    const all = await Promise.all(Array.from({ length: 22 }, (_, n) => (n % 2 === 0 ? byMessage() : byToken())));
    expect(all.filter((outcome) => outcome === "in")).toHaveLength(10);
    expect(new Set(all)).toEqual(new Set(["in", 4429, "TOO_MANY_CONNECTIONS"]));
  });

  it("may open the next one when one is closed, and another user's don't count", async () => {
    const user = await Client.as("user");
    const sockets = await Promise.all(Array.from({ length: 10 }, () => Socket.of(user)));
    expect(await open(user)).toMatchObject({ status: 429, error: { code: "TOO_MANY_CONNECTIONS" } });
    expect((await open(await Client.as("user"))).status).toBe(101);
    sockets[3]?.close();
    await until(async () => (await open(user)).status === 101, "there is room");
    expect((await open(user)).status).toBe(429);
  });

  it("gets back the places of sockets whose objects died without a word", async () => {
    const user = await Client.as("user");
    const bearer = { userId: user.id, credential: { type: "session" as const, id: null }, expiresAt: null };
    await runInDurableObject(hub(user), async (object: UserHub) => {
      for (let n = 0; n < 5; n++) {
        await object.enter({ id: `socket:dead-${n}`, kind: "hub", bearer, permission: null }, 10);
        await object.enter({ id: newId("stream"), kind: "stream", bearer, permission: "vm:console" }, 10);
      }
      expect(await object.enter({ id: "socket:one-more", kind: "hub", bearer, permission: null }, 10)).toBe(true);
    });
    const opened = await Promise.all(Array.from({ length: 11 }, () => open(user)));
    expect(opened.filter(({ status }) => status === 101)).toHaveLength(10);
  });

  it("has as many as the configuration says", async () => {
    const user = await Client.as("user");
    const limits = (webSocketsPerUser: number) => updateConfig(env.DB, { limits: { webSocketsPerUser } });
    rememberConfig(await limits(1));
    try {
      expect([(await open(user)).status, (await open(user)).status]).toEqual([101, 429]);
      rememberConfig(await limits(0));
      expect((await open(await Client.as("user"))).status).toBe(429);
    } finally {
      rememberConfig(await limits(10));
    }
  });
});

describe("the right to a socket", () => {
  const direct = (token: string | null) => openSocket(`?token=${token}`).then(({ socket }) => socket as Socket);
  const byMessage = async (token: string | null) => {
    const socket = await unknownSocket();
    await socket.ask("auth", { token });
    return socket;
  };
  const ways = [
    ["opened by a token in its address", direct],
    ["that said later whose it is", byMessage],
  ] as const;

  describe.each(ways)("%s", (_how, connect) => {
    it("ends with the logout of its session, and no other's", async () => {
      const { user, name, password } = await loggedIn();
      const { token } = (await new Client(null).post("/auth/login", { username: name, password })).body;
      const [mine, other] = [await connect(user.token), await connect(token)];
      expect((await user.post("/auth/logout", {})).status).toBe(204);
      expect(await mine.closedWith()).toBe(4401);
      expect(await other.ask("ping")).toMatchObject({ type: "pong" });
    });

    it("ends with a new password for all but the session that set it", async () => {
      const { user, name, password } = await loggedIn();
      const { token } = (await new Client(null).post("/auth/login", { username: name, password })).body;
      const [mine, other] = [await connect(user.token), await connect(token)];
      const change = { currentPassword: password, newPassword: "another horse" };
      expect((await user.request("PUT", "/auth/password", change)).status).toBe(204);
      expect(await other.closedWith()).toBe(4401);
      expect(await mine.ask("ping")).toMatchObject({ type: "pong" });
    });

    it("ends with a refresh token that is used twice", async () => {
      const { user, refreshToken } = await loggedIn();
      const socket = await connect(user.token);
      const refresh = () => new Client(null).post("/auth/refresh", { refreshToken });
      expect([(await refresh()).status, (await refresh()).status]).toEqual([200, 401]);
      expect(await socket.closedWith()).toBe(4401);
    });

    it("ends with its personal access token", async () => {
      const user = await Client.as("user");
      const { token, id } = (await user.post("/auth/tokens", { name: "t", scopes: ["*"] })).body.data;
      const [mine, session] = [await connect(token), await connect(user.token)];
      await user.request("DELETE", `/auth/tokens/${id}`);
      expect(await mine.closedWith()).toBe(4401);
      expect(await session.ask("ping")).toMatchObject({ type: "pong" });
    });

    it.each([
      ["disabled", (id: string) => patch(admin, `/users/${id}`, { status: "disabled" })],
      ["deleted", (id: string) => admin.request("DELETE", `/users/${id}`)],
      ["made an administrator", (id: string) => patch(admin, `/users/${id}`, { role: "admin" })],
    ])("ends when its user is %s", async (_what, change) => {
      const { user } = await loggedIn();
      const socket = await connect(user.token);
      await change(user.id);
      expect(await socket.closedWith()).toBe(4401);
    });

    it("ends when its token expires", async () => {
      const user = await Client.as("user");
      const socket = await connect(await signAccessToken(jwtKeys, { sub: user.id }, 4));
      expect(await socket.closedWith()).toBe(4401);
    });
  });

  it("takes subscriptions with it, and leaves the rest", async () => {
    const { user } = await loggedIn();
    const socket = await Socket.of(user);
    await socket.subscribe({ topic: "vm-status-all" });
    await socket.subscribe({ topic: "operations" });
    await patch(admin, `/users/${user.id}`, { permissions: ["-vm:read"] });
    const { code, details } = await socket.heard("error");
    expect([code, details]).toEqual(["FORBIDDEN", expect.stringContaining("vm-status-all")]);
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
    expect(await socket.subscribe({ topic: "vm-status-all" })).toMatchObject({ data: { code: "FORBIDDEN" } });
  });

  it("is judged again where it ends while the socket is being let in", { timeout: 60_000 }, async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, async (_, n) => {
        const { user } = await loggedIn();
        const opening = n % 2 === 0 ? direct(user.token) : byMessage(user.token);
        await patch(admin, `/users/${user.id}`, { status: "disabled" });
        const socket = await opening;
        return socket ? socket.closedWith() : 4401;
      }),
    );
    expect(outcomes).toEqual(outcomes.map(() => 4401));
  });

  it("is renewed by another 'auth' of the same user, and of no other", async () => {
    const user = await Client.as("user");
    const socket = await direct(await signAccessToken(jwtKeys, { sub: user.id }, 5));
    expect(await socket.ask("auth", { token: user.token })).toMatchObject({ type: "auth" });
    await scheduler.wait(5_500);
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
    expect(await socket.ask("auth", { token: admin.token })).toMatchObject({ data: { code: "UNAUTHENTICATED" } });
    expect(await socket.closedWith()).toBe(4401);
  });
});

describe("what is no message", () => {
  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["null", "null"],
    ["an unknown type", '{"type":"please"}'],
    ["an inherited name as the type", '{"type":"__proto__"}'],
    ["a key of the prototype", '{"type":"ping","__proto__":{"x":1}}'],
    ["an unknown key", '{"type":"ping","data":{},"more":1}'],
    ["no data", '{"type":"subscribe"}'],
    ["an unknown topic", '{"type":"subscribe","data":{"topic":"all"}}'],
    ["a topic that is an object", '{"type":"subscribe","data":{"topic":{}}}'],
    ["a negative sequence", '{"type":"subscribe","data":{"topic":"events","after":-1}}'],
    ["a huge sequence", '{"type":"subscribe","data":{"topic":"events","after":1e300}}'],
    ["deep nesting", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  ])("%s gets an error, and disturbs nothing", async (_what, text) => {
    const socket = await Socket.of(await Client.as("user"));
    socket.send(text);
    expect(await socket.heard("error")).toMatchObject({ code: "INVALID_REQUEST_PARAMS" });
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
  });

  it("bytes get an error, and an error repeats a request's id", async () => {
    const socket = await Socket.of(await Client.as("user"));
    socket.sendBytes(new Uint8Array([1, 2, 3]).buffer as ArrayBuffer);
    await socket.heard("error");
    socket.send({ type: "please", id: "a" });
    await until(() => socket.messages.some(({ id }) => id === "a"), "the id is repeated");
    expect(socket.all("error")).toHaveLength(2);
  });

  it.each([
    ["above a mebibyte", 1_048_577],
    ["of 31 MiB", 31 * 1_048_576],
  ])("a text %s closes its own socket with 1009 and no other", async (_what, length) => {
    const user = await Client.as("user");
    const [one, other] = [await Socket.of(user), await Socket.of(user)];
    one.send("x".repeat(length));
    expect(await one.closedWith()).toBe(1009);
    expect(await other.ask("ping")).toMatchObject({ type: "pong" });
  });

  it("a flood of requests without waiting is closed with 4429, and disturbs no other socket", async () => {
    const user = await Client.as("user");
    const [one, other] = [await Socket.of(user), await Socket.of(user)];
    for (let n = 0; n < 2_000; n++) one.send({ type: "subscribe", data: { topic: "vm-status", vmId: `vm-${n}` } });
    expect(await one.closedWith()).toBe(4429);
    expect(await other.ask("ping")).toMatchObject({ type: "pong" });
  });
});
