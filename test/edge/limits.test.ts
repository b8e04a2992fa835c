/** The limit on requests and the answers that are given again. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { rememberConfig } from "../../api/config.ts";
import type { Env } from "../../api/env.ts";
import { userGate } from "../../api/limits.ts";
import { keepReplaysMs } from "../../api/objects/replays.ts";
import type { UserGate } from "../../api/objects/user-gate.ts";
import { updateConfig } from "../../db/config.ts";
import { enrol, FakeAgent, newKey, until } from "./agent.ts";
import { addHost, Client, machine } from "./client.ts";

const bindings = env as unknown as Env;
let admin: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  await addHost();
});

const gate = (user: Client) => bindings.USER_GATE.getByName(userGate(user.id));
/** How many requests the object has written down. */
const written = (user: Client) =>
  runInDurableObject(gate(user), (_: UserGate, { storage }) =>
    (storage.kv.get<{ count: number }[]>("window") ?? []).reduce((sum, { count }) => sum + count, 0),
  );
const standing = ({ headers }: { headers: Headers }) =>
  ["Limit", "Remaining", "Reset"].map((name) => Number(headers.get(`RateLimit-${name}`)));
const address = (value: string) => ({ "CF-Connecting-IP": value });

/** Within `limits`; the file's own are put back by hand, since nobody may be left who could ask for it. */
async function withLimits(limits: object, work: () => Promise<void>): Promise<void> {
  expect((await admin.request("PUT", "/config", { limits })).status).toBe(200);
  try {
    await work();
  } finally {
    rememberConfig(await updateConfig(env.DB, { limits: { requestsPerMinute: 100_000, loginsPerMinute: 10_000 } }));
  }
}

describe("the limit on requests", () => {
  it("lets exactly a hundred of 150 through that come at once, and says when to come back", async () => {
    const user = await Client.as("user");
    await withLimits({ requestsPerMinute: 100 }, async () => {
      const answers = await Promise.all(Array.from({ length: 150 }, () => user.get("/images")));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(50);
      expect(refused[0]?.body.error.code).toBe("RATE_LIMITED");
      const wait = Number(refused[0]?.headers.get("Retry-After"));
      expect(wait).toBeGreaterThan(30);
      expect(wait).toBeLessThanOrEqual(60);
      // Another user is not touched by it.
      expect((await (await Client.as("user")).get("/images")).status).toBe(200);
    });
  });

  it("stands in every answer, good or bad", async () => {
    const user = await Client.as("user");
    const answers = [
      await user.get("/vms"),
      await user.get("/vms/none"),
      await user.get("/hosts"),
      await user.post("/vms", "{"),
      await user.post("/vms", "a=b", { "Content-Type": "text/plain" }),
      await user.request("HEAD", "/vms"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 403, 400, 415, 200]);
    expect(answers.map((answer) => standing(answer)[1])).toEqual([1, 2, 3, 4, 5, 6].map((n) => 100_000 - n));
    for (const client of [new Client(null), new Client("no.such.token")]) {
      for (const path of ["/health", "/vms", "/nowhere"]) expect(standing(await client.get(path))[0]).toBe(100_000);
    }
  });

  it("counts a long poll once", async () => {
    const agent = await FakeAgent.enrolled(admin, "slow");
    await agent.connect();
    const created = await admin.post("/vms", machine("slow", { hostId: agent.hostId }));
    const { id } = created.body.data.operation;
    const before = standing(await admin.get(`/operations/${id}`))[1] ?? 0;
    const after = standing(await admin.get(`/operations/${id}?wait=1`))[1];
    expect(after).toBe(before - 1);
  });

  it("costs a refused request no call to the database", async () => {
    const user = await Client.as("user");
    await user.get("/images");
    await withLimits({ requestsPerMinute: 1 }, async () => {
      const { prepare, batch } = env.DB;
      let calls = 0;
      env.DB.prepare = (...given) => (calls++, prepare.apply(env.DB, given));
      env.DB.batch = (...given) => (calls++, batch.apply(env.DB, given) as never);
      try {
        for (let n = 0; n < 20; n++) expect((await user.get("/vms")).status).toBe(429);
        expect(calls).toBe(0);
        // The same way of counting sees what a request costs that is let in.
        await (await Client.as("user")).get("/vms");
        expect(calls).toBeGreaterThan(0);
      } finally {
        Object.assign(env.DB, { prepare, batch });
      }
    });
  });

  it("outlives the object's eviction", async () => {
    const user = await Client.as("user");
    for (let n = 0; n < 5; n++) await user.get("/images");
    // An idle object is evicted after ten seconds; what it holds is written after one.
    await until(async () => (await written(user)) === 5, "it is written");
    await evictDurableObject(gate(user));
    expect(standing(await user.get("/images"))[1]).toBe(100_000 - 6);
  });

  it("of an object that is restarted under a request is asked again, and told as 503 where it stays away", async () => {
    const user = await Client.as("user");
    const { getByName } = bindings.USER_GATE;
    let calls = 0;
    const failing = (times: number) => (name: string) => {
      if (++calls > times) return getByName.call(bindings.USER_GATE, name);
      const restarted = Object.assign(new Error("the object was reset"), { retryable: true });
      return { enter: () => Promise.reject(restarted) } as unknown as ReturnType<typeof getByName>;
    };
    try {
      bindings.USER_GATE.getByName = failing(1);
      expect((await user.get("/images")).status).toBe(200);
      [calls, bindings.USER_GATE.getByName] = [0, failing(2)];
      const answer = await user.get("/images");
      expect(answer).toMatchObject({ status: 503, body: { error: { code: "UNAVAILABLE" } } });
      expect(answer.headers.get("Retry-After")).toBe("1");
    } finally {
      bindings.USER_GATE.getByName = getByName;
    }
  });

  it("is for each address where nobody is logged in, and for a whole /64", async () => {
    const nobody = new Client(null);
    await withLimits({ requestsPerMinute: 3 }, async () => {
      const statuses = async (addresses: string[]) => {
        const answers = [];
        for (const one of addresses) answers.push((await nobody.get("/vms", address(one))).status);
        return answers;
      };
      expect(await statuses(Array.from({ length: 4 }, () => "198.51.100.7"))).toEqual([401, 401, 401, 429]);
      expect(await statuses(["198.51.100.8"])).toEqual([401]);
      expect(await statuses(["2001:db8::1", "2001:db8:0:0:ffff::2", "2001:db8::3:4:5", "2001:0db8::9"])).toEqual([
        ...[401, 401, 401, 429],
      ]);
      expect(await statuses(["2001:db8:0:1::1"])).toEqual([401]);
    });
  });

  it("of logins is strict, by name and by address, before any password is looked at", async () => {
    const login = (username: string, from: string) =>
      new Client(null).post("/auth/login", { username, password: "wrong-password" }, address(from));
    await withLimits({ loginsPerMinute: 2 }, async () => {
      const byName = [];
      for (const from of ["a", "b", "c"]) byName.push((await login("Somebody", from)).status);
      expect(byName).toEqual([401, 401, 429]);
      expect((await login("sOMEBODY", "d")).status).toBe(429);
      const byAddress = [];
      for (const name of ["v", "w", "x", "y", "z"]) byAddress.push((await login(name, "192.0.2.1")).status);
      expect(byAddress).toEqual([401, 401, 401, 401, 429]);
    });
  });

  it("of enrolments is strict too, so that a token is not guessed", async () => {
    const guess = async () => (await enrol("x".repeat(43), await newKey())).status;
    await withLimits({ loginsPerMinute: 1 }, async () => {
      const statuses = [];
      for (let n = 0; n < 11; n++) statuses.push(await guess());
      expect(statuses.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 401));
      expect(statuses.at(-1)).toBe(429);
    });
  });

  it("leaves nothing behind in the object when there is nothing to keep", async () => {
    const user = await Client.as("user");
    await user.get("/images");
    await until(() => runDurableObjectAlarm(gate(user)), "it is written, and will be looked at");
    await runInDurableObject(gate(user), async (_, { storage }) => {
      // Within its minute it is kept, and looked at again later.
      expect(await storage.getAlarm()).not.toBeNull();
      const [bucket] = storage.kv.get<{ from: number; to: number; count: number }[]>("window") ?? [];
      storage.kv.put("window", [{ count: bucket?.count ?? 0, from: 0, to: 0 }]);
    });
    await evictDurableObject(gate(user));
    expect(await runDurableObjectAlarm(gate(user))).toBe(true);
    await runInDurableObject(gate(user), async (_, { storage }) => {
      expect([...storage.kv.list()]).toEqual([]);
      expect(await storage.getAlarm()).toBeNull();
    });
  });
});

describe("an idempotency key", () => {
  const key = (value: string) => ({ "Idempotency-Key": value });

  it("gives the same request the first answer, and makes one machine and one operation", async () => {
    const user = await Client.as("user");
    const first = await user.post("/vms", machine("once"), key("k1"));
    const again = await user.post("/vms", machine("once"), key("k1"));
    expect(first.status).toBe(201);
    expect(first.headers.get("Idempotent-Replayed")).toBeNull();
    expect(again.status).toBe(201);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
    expect(again.body).toEqual(first.body);
    expect((await user.get("/vms")).body.data.pagination.total).toBe(1);
    expect((await user.get("/operations")).body.data.pagination.total).toBe(1);
    const { results } = await env.DB.prepare("SELECT * FROM audit WHERE user_id = ?").bind(user.id).all();
    expect(results).toHaveLength(1);
  });

  it("is refused with another body, another query or another path", async () => {
    const user = await Client.as("user");
    await user.post("/vms", machine("a"), key("k"));
    for (const [path, body] of [
      ["/vms", machine("b")],
      ["/vms?x=1", machine("a")],
      ["/vms/a/start", {}],
    ] as const) {
      const answer = await user.post(path, body, key("k"));
      expect(answer).toMatchObject({ status: 422, body: { error: { code: "IDEMPOTENCY_MISMATCH" } } });
    }
  });

  it("is each user's own", async () => {
    const [one, other] = [await Client.as("user"), await Client.as("user")];
    const first = await one.post("/vms", machine("same"), key("shared"));
    const second = await other.post("/vms", machine("same"), key("shared"));
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data.id).not.toBe(first.body.data.id);
  });

  it("makes one of ten requests that race, and tells the others to wait or what came of it", async () => {
    const user = await Client.as("user");
    const answers = await Promise.all(Array.from({ length: 10 }, () => user.post("/vms", machine("race"), key("r"))));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ body }) => body.data.id)).size).toBe(1);
    const others = answers.filter(({ status }) => status !== 201);
    expect(others.every(({ status, body }) => status === 409 && body.error.code === "IDEMPOTENCY_IN_PROGRESS")).toBe(
      true,
    );
    expect((await user.get("/operations")).body.data.pagination.total).toBe(1);
  });

  it("keeps a refusal, and never a failure that may pass", async () => {
    const user = await Client.as("user");
    const bad = await user.post("/vms", { name: "x" }, key("bad"));
    expect(bad.status).toBe(400);
    expect((await user.post("/vms", { name: "x" }, key("bad"))).headers.get("Idempotent-Replayed")).toBe("true");

    const hostId = await addHost({ status: "offline" });
    const order = machine("later", { hostId });
    expect((await admin.post("/vms", order, key("later"))).status).toBe(503);
    await env.DB.prepare("UPDATE hosts SET status = 'online' WHERE id = ?").bind(hostId).run();
    expect((await admin.post("/vms", order, key("later"))).status).toBe(201);
  });

  it("works again under the same operation id where the edge died before it could answer", async () => {
    const user = await Client.as("user");
    const first = await user.post("/vms", machine("died", { start: true }), key("create"));
    const reset = await user.post("/vms/died/reset", {}, key("reset"));
    expect(reset.status).toBe(202);
    await runInDurableObject(gate(user), (_, state) => {
      state.storage.sql.exec("UPDATE replay SET status = NULL, sealed = NULL");
    });
    expect((await user.post("/vms/died/reset", {}, key("reset"))).body.error.code).toBe("IDEMPOTENCY_IN_PROGRESS");
    await runInDurableObject(gate(user), (_, state) => {
      state.storage.sql.exec("UPDATE replay SET claimed_at = 0");
    });
    expect((await user.post("/vms", machine("died", { start: true }), key("create"))).body.data.id).toBe(
      first.body.data.id,
    );
    expect((await user.post("/vms/died/reset", {}, key("reset"))).body.data.id).toBe(reset.body.data.id);
    expect((await user.get("/operations")).body.data.pagination.total).toBe(2);
  });

  it("shows again a token that is shown once, and keeps it so that nobody else can read it", async () => {
    const order = { name: "sealed-host" };
    const first = await admin.post("/hosts", order, key("host-key"));
    const { token } = first.body.data.enrolment;
    expect((await admin.post("/hosts", order, key("host-key"))).body.data.enrolment.token).toBe(token);
    const kept = await runInDurableObject(gate(admin), (_, state) => [
      ...state.storage.sql.exec("SELECT * FROM replay"),
    ]);
    const text = kept
      .map((row) =>
        Object.values(row).map((value) => (value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value)),
      )
      .join();
    expect(text).not.toContain(token);
    expect(text).not.toContain("host-key");
    expect(text).not.toContain("sealed-host");
  });

  it("is forgotten after 24 hours", async () => {
    const user = await Client.as("user");
    await user.post("/vms", machine("old"), key("old"));
    await runInDurableObject(gate(user), (_, state) => {
      state.storage.sql.exec("UPDATE replay SET first_at = first_at - ?", keepReplaysMs);
    });
    expect(await runDurableObjectAlarm(gate(user))).toBe(true);
    const left = await runInDurableObject(gate(user), (_, state) => [
      ...state.storage.sql.exec("SELECT * FROM replay"),
    ]);
    expect(left).toEqual([]);
    expect((await user.post("/vms", machine("new"), key("old"))).status).toBe(201);
  });

  it.each([
    ["empty", ""],
    ["of two words", "a b"],
    ["not ASCII", "ä"],
    ["256 characters long", "x".repeat(256)],
  ])("that is %s is a 400", async (_what, value) => {
    const user = await Client.as("user");
    expect((await user.post("/vms", machine("a"), key(value))).status).toBe(400);
  });
});
