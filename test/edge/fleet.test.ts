/** Hosts, images, the configuration, the figures, and what every path answers to OPTIONS and to other origins. */
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { rememberConfig } from "../../api/config.ts";
import { sweep } from "../../api/sweep.ts";
import type { Env } from "../../api/env.ts";
import { updateConfig } from "../../db/config.ts";
import { dial, FakeAgent, hosted, linkToken, newKey, until } from "./agent.ts";
import { addHost, Client, machine, patch } from "./client.ts";

let admin: Client;
let user: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  user = await Client.as("user", "none");
  await addHost();
});

describe("a host", () => {
  it("changes its name, labels and overcommit, and its room follows", async () => {
    const agent = await FakeAgent.enrolled(admin, "plain");
    await agent.connect();
    const path = `/hosts/${agent.hostId}`;
    await until(async () => (await admin.get(path)).body.data.status === "online", "it is online");
    const first = await admin.get(path);
    expect(first.body.data).toMatchObject({ capacity: { cpu: 32, memory: 8192, disk: 400 }, overcommit: { cpu: 8 } });
    const tag = { "If-Match": first.headers.get("ETag") ?? "" };
    const changed = await patch(admin, path, { name: "fancy", labels: { z: "1" }, overcommit: { cpu: 2 } }, tag);
    expect(changed.body.data).toMatchObject({ name: "fancy", labels: { z: "1" }, capacity: { cpu: 8, memory: 8192 } });
    expect((await patch(admin, path, { schedulable: false }, tag)).status).toBe(412);
    const fresh = { "If-Match": changed.headers.get("ETag") ?? "" };
    const racing = ["a", "b", "c"].map((z) => patch(admin, path, { labels: { z } }, fresh));
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    // What its agent says again is filled as far as was set.
    await agent.open(agent.epoch);
    await agent.heard("welcome");
    expect((await admin.get(path)).body.data.capacity).toEqual({ cpu: 8, memory: 8192, disk: 400 });
    const other = (await admin.post("/hosts", { name: "other" })).body.data.host.id;
    expect((await patch(admin, `/hosts/${other}`, { name: "fancy" })).body.error.code).toBe("NAME_TAKEN");
    expect((await patch(admin, "/hosts/none", { name: "x" })).status).toBe(404);
    agent.close();
  });

  it("that drains takes no new machine and says what remains", async () => {
    const { agent, id } = await hosted(admin, "drains", "running");
    const { body } = await admin.post(`/hosts/${agent.hostId}/drain`);
    expect(body.data).toMatchObject({
      host: { schedulable: false },
      remaining: { vms: 1, byStatus: { running: 1 }, operations: 0 },
    });
    const refused = await admin.post("/vms", machine("late", { hostId: agent.hostId }));
    expect(refused.body.error.code).toBe("INSUFFICIENT_CAPACITY");
    expect((await admin.get(`/vms/${id}`)).body.data.status).toBe("running");
    agent.close();
  });

  it("that is deleted is disconnected with 4403 and comes back with nothing", async () => {
    const { agent, id } = await hosted(admin, "doomed", "running");
    const { operation } = (await admin.post(`/vms/${id}/pause`)).body.data;
    expect(operation).toBeUndefined();
    const path = `/hosts/${agent.hostId}`;
    expect((await admin.request("DELETE", path)).body.error.code).toBe("HOST_HAS_VMS");
    expect((await admin.request("DELETE", `${path}?force=true`)).status).toBe(204);
    await until(() => agent.closedWith !== null, "the socket is closed", 5_000);
    expect(agent.closedWith).toBe(4403);
    expect((await dial(await linkToken(agent.hostId, await newKey()))).status).toBe(401);
    expect((await admin.get(path)).status).toBe(404);
    expect((await admin.get(`/vms/${id}`)).status).toBe(404);
    const pause = (await admin.get(`/operations?vmId=${id}&kind=vm.pause`)).body.data.operations;
    expect(pause).toMatchObject([{ status: "unknown", error: { code: "OUTCOME_UNKNOWN" } }]);
  });
});

describe("images", () => {
  const order = { name: "Mine", url: "https://images.example.com/a.qcow2", sha256: "a".repeat(64), format: "qcow2" };

  it("of one's own are made into machines, and go when no machine is left", async () => {
    const { status, body, headers } = await admin.post("/images", { ...order, os: "mine", minDisk: 2 });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`/api/v1/images/${body.data.id}`);
    expect(body.data).toMatchObject({ os: "mine", source: "custom", url: order.url, sha256: order.sha256 });
    expect((await user.get(`/images/${body.data.id}`)).body.data).toEqual(body.data);
    expect((await user.get("/images?source=custom")).body.data.images).toEqual([body.data]);
    expect((await user.post("/vms", machine("small", { os: "mine" }))).body.error.fields).toMatchObject([
      { path: "disk" },
    ]);
    const vm = await user.post("/vms", machine("of-mine", { image: body.data.id, disk: 2 }));
    expect(vm.body.data).toMatchObject({ os: "mine", image: body.data.id });
    expect((await admin.request("DELETE", `/images/${body.data.id}`)).body.error.code).toBe("IMAGE_IN_USE");
    await env.DB.prepare("DELETE FROM vms WHERE id = ?").bind(vm.body.data.id).run();
    expect((await admin.request("DELETE", `/images/${body.data.id}`)).status).toBe(204);
    expect((await user.get(`/images/${body.data.id}`)).status).toBe(404);
  });

  it("are refused from inside, twice under one name, and to users", async () => {
    const inside = await admin.post("/images", { ...order, os: "bad", url: "http://169.254.169.254/x" });
    expect(inside).toMatchObject({ status: 422, body: { error: { code: "URL_FORBIDDEN" } } });
    await admin.post("/images", { ...order, name: "Twice", os: "twice" });
    expect((await admin.post("/images", { ...order, name: "Twice", os: "again" })).body.error.code).toBe("NAME_TAKEN");
    expect((await admin.post("/images", { ...order, os: "tiny" })).body.error.fields).toMatchObject([{ path: "os" }]);
    expect((await user.post("/images", { ...order, os: "users" })).status).toBe(403);
    expect((await admin.request("DELETE", "/images/img-tiny")).status).toBe(403);
  });
});

describe("the configuration", () => {
  it("is merged, checked, and for administrators", async () => {
    const before = await admin.get("/config");
    expect(before.body.data).toMatchObject({ limits: { webSocketsPerUser: 10 }, defaults: { os: "tiny" } });
    const [one, two] = await Promise.all([
      admin.request("PUT", "/config", { defaults: { os: "debian12" } }),
      admin.request("PUT", "/config", { limits: { webSocketsPerUser: 3 } }),
    ]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect((await admin.get("/config")).body.data).toMatchObject({
      ...{ defaults: { os: "debian12", cpu: 1 }, limits: { webSocketsPerUser: 3 } },
    });
    expect((await user.post("/vms", machine("default", { disk: 4 }))).body.data.os).toBe("debian12");
    const stale = { "If-Match": before.headers.get("ETag") ?? "" };
    expect((await admin.request("PUT", "/config", {}, stale)).status).toBe(412);
    const fresh = { "If-Match": (await admin.get("/config")).headers.get("ETag") ?? "" };
    const racing = [1, 2, 3].map((cpu) => admin.request("PUT", "/config", { defaults: { cpu: cpu + 1 } }, fresh));
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    for (const [body, path] of [
      [{ limits: { requestsPerMinute: 0 } }, "limits.requestsPerMinute"],
      [{ limits: { requests: 1 } }, "limits.requests"],
      [{ defaults: { os: "windows95" } }, "defaults.os"],
      [{ colour: "red" }, "colour"],
    ] as const) {
      expect((await admin.request("PUT", "/config", body)).body.error.fields).toMatchObject([{ path }]);
    }
    expect((await user.get("/config")).status).toBe(403);
    rememberConfig(await updateConfig(env.DB, { defaults: { os: "tiny" } }));
  });
});

describe("the system", () => {
  it("tells series of what was measured, and no more", async () => {
    const now = Date.now();
    await env.DB.prepare("DELETE FROM samples").run();
    const bindings = env as unknown as Env;
    for (const ago of [40 * 86_400, 50 * 60, 120, 60, 60]) await sweep(bindings, now - ago * 1000);
    await sweep(bindings, now);
    const { data } = (await user.get("/system/stats?period=1h")).body;
    expect(data).toMatchObject({ period: "1h", stepSeconds: 60, current: { hosts: { total: expect.any(Number) } } });
    expect(data.series).toHaveLength(4);
    const { vms } = (await user.get("/system/info")).body.data;
    expect(data.series.at(-1).vms).toEqual(vms.byStatus);
    expect(data.current.allocated.cpu).toBeGreaterThan(0);
    expect((await user.get("/system/stats?period=24h")).body.data.series.length).toBeLessThan(4);
    const { results } = await env.DB.prepare("SELECT min(at) AS first FROM samples").all<{ first: number }>();
    expect(results[0]?.first).toBeGreaterThan(now / 1000 - 30 * 86_400);
    expect((await user.get("/system/stats?period=2h")).status).toBe(400);
  });

  it("tells how long it has been up", async () => {
    const { data } = (await user.get("/system/info")).body;
    expect(data.uptimeSeconds).toBeGreaterThanOrEqual(0);
    expect(Date.parse(data.startedAt)).toBeLessThanOrEqual(Date.now());
  });
});

describe("methods and origins", () => {
  it("answers OPTIONS with what a path takes, and HEAD as GET without a body", async () => {
    const options = await user.request("OPTIONS", "/vms/x");
    expect(options.status).toBe(204);
    expect(options.headers.get("Allow")?.split(", ").toSorted()).toEqual(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]);
    expect((await user.request("OPTIONS", "/nothing/here")).status).toBe(404);
    const head = await user.request("HEAD", "/images");
    expect([head.status, head.body]).toEqual([200, null]);
  });

  it("lets pages of no origin in that is not on the list", async () => {
    for (const origin of ["https://evil.example", "null"]) {
      const answer = await user.get("/images", { Origin: origin });
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect(answer.headers.get("Vary")).toContain("Origin");
    }
    const bindings = env as unknown as Record<string, string>;
    bindings["VOIDVM_CORS_ORIGINS"] = "https://console.example, https://other.example";
    const ask = { Origin: "https://console.example", "Access-Control-Request-Method": "PATCH" };
    const preflight = await new Client(null).request("OPTIONS", "/vms/x", undefined, ask);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("https://console.example");
    expect(preflight.headers.get("Access-Control-Allow-Credentials")).toBe("true");
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("PATCH");
    const refused = await new Client(null).get("/vms", ask);
    expect([refused.status, refused.headers.get("Access-Control-Allow-Origin")]).toEqual([
      401,
      "https://console.example",
    ]);
    expect(
      (await user.get("/vms", { Origin: "https://console.example.evil" })).headers.get("Access-Control-Allow-Origin"),
    ).toBeNull();
    bindings["VOIDVM_CORS_ORIGINS"] = "";
  });
});
