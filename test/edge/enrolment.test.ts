/** How a host joins, and how it opens its link: tokens, keys and clocks. */
import { createExecutionContext, env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { app } from "../../api/app.ts";
import type { Env } from "../../api/env.ts";
import { dial, enrol, hosted, linkToken, newKey } from "./agent.ts";
import { admin, agent, count } from "./one-host.ts";

describe("enrolment", () => {
  it("spends a token once: the same key may repeat it, another gets 409", async () => {
    const { body } = await admin.post("/hosts", { name: "once" });
    const { token } = body.data.enrolment;
    const [first, second] = [await newKey(), await newKey()];
    const answer = await enrol(token, first);
    expect(answer).toMatchObject({ status: 200, body: { data: { hostId: body.data.host.id, name: "once" } } });
    expect((await enrol(token, first)).body.data).toEqual(answer.body.data);
    expect(await enrol(token, second)).toMatchObject({ status: 409, body: { error: { code: "ENROLMENT_SPENT" } } });
  });

  it("gives a token to one of two that ask at the same moment", async () => {
    const { body } = await admin.post("/hosts", { name: "raced" });
    const keys = await Promise.all([newKey(), newKey(), newKey()]);
    const answers = await Promise.all(keys.map((key) => enrol(body.data.enrolment.token, key)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
  });

  it("refuses a guessed token, a late one, and one whose asker does not hold the key", async () => {
    const { body } = await admin.post("/hosts", { name: "refused" });
    const { token } = body.data.enrolment;
    const key = await newKey();
    expect((await enrol("x".repeat(43), key)).status).toBe(401);
    const { privateKey } = await newKey();
    expect((await enrol(token, { privateKey, x: key.x })).status).toBe(401);
    await env.DB.prepare(
      "UPDATE hosts SET enrolment_expires_at = '2020-01-01T00:00:00.000Z' WHERE name = 'refused'",
    ).run();
    expect(await enrol(token, key)).toMatchObject({ status: 410, body: { error: { code: "ENROLMENT_EXPIRED" } } });
  });

  it("keeps tokens as hashes alone", async () => {
    const { body } = await admin.post("/hosts", { name: "hashed" });
    const { results } = await env.DB.prepare("SELECT * FROM hosts").all();
    expect(JSON.stringify(results)).not.toContain(body.data.enrolment.token);
  });
});

describe("a dial", () => {
  it.each([
    ["no token", async () => ""],
    ["an unknown host", async () => linkToken("host-unknown", await newKey())],
    ["another host's key", async () => linkToken(agent.hostId, await newKey())],
  ])("with %s is refused before the object wakes", async (_what, make) => {
    const response = await dial(await make());
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: "UNAUTHENTICATED" } });
  });

  it("with the wrong time is told ours, with the wrong type or audience is not", async () => {
    const key = await newKey();
    const { body } = await admin.post("/hosts", { name: `timed-${count}` });
    const { hostId } = (await enrol(body.data.enrolment.token, key)).body.data;
    const now = Math.floor(Date.now() / 1000);
    for (const iat of [now - 3600, now + 3600]) {
      const response = await dial(await linkToken(hostId, key, { iat }));
      expect(Math.abs(Date.parse(response.headers.get("Date") ?? "") - Date.now())).toBeLessThan(5000);
      expect(await response.json()).toMatchObject({ error: { code: "TOKEN_EXPIRED" } });
    }
    expect((await dial(await linkToken(hostId, key, { typ: "at+jwt" }))).status).toBe(401);
    expect((await dial(await linkToken(hostId, key, { aud: "http://elsewhere" }))).status).toBe(401);
    const token = await linkToken(hostId, key);
    const good = await dial(token);
    expect(good.status).toBe(101);
    good.webSocket?.accept();
    good.webSocket?.close();
    // A token that was overheard opens nothing.
    expect((await dial(token)).status).toBe(401);
  });

  it("of too many at once is refused for some seconds, each other ones, and only until the first are in", async () => {
    const tokens = await Promise.all(Array.from({ length: 60 }, () => agent.token()));
    const answers = await Promise.all(tokens.map(dial));
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 101).length + refused.length).toBe(60);
    expect(refused.length).toBeGreaterThan(20);
    const waits = refused.map(({ headers }) => Number(headers.get("Retry-After")));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10);
    expect(new Set(waits).size).toBeGreaterThan(3);
    const { status, webSocket } = await dial(await agent.token());
    expect(status).toBe(101);
    for (const socket of [webSocket, ...answers.map((answer) => answer.webSocket)]) {
      socket?.accept();
      socket?.close();
    }
  });
});

describe("an edge behind a proxy that ends TLS", () => {
  const outside = "https://cloud.example.com";
  /** As the proxy asks, by the name inside. */
  async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
    const request = new Request(`http://edge.test${path}`, {
      method,
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json", ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const bindings = { ...env, VOIDVM_PUBLIC_URL: `${outside}/` } as unknown as Env;
    return app.fetch(request, bindings, createExecutionContext());
  }
  const dataOf = async (response: Response) => ((await response.json()) as { data: Record<string, any> }).data;

  it("tells clients and hosts its address outside", async () => {
    const { id } = await hosted(admin, "proxied", "running");
    const host = await dataOf(await ask("POST", "/api/v1/hosts", {}, { name: "outside" }));
    expect(host["enrolment"].command).toMatch(`curl -fsSL ${outside}/install.sh | sudo sh -s -- `);
    expect(await (await ask("GET", "/install.sh")).text()).toContain(`edge='${outside}'\n`);
    const socket = await dataOf(await ask("POST", "/api/v1/auth/ws-ticket"));
    expect(socket["url"]).toMatch("wss://cloud.example.com/ws?ticket=");
    const stream = await dataOf(await ask("GET", `/api/v1/vms/${id}/console/vnc`));
    expect(stream["url"]).toMatch("wss://cloud.example.com/api/v1/streams/stream-");
  });

  it("takes agents and pages that know it by that address, and agents that dial it within", async () => {
    const key = await newKey();
    const { body } = await admin.post("/hosts", { name: "signs-outside" });
    const { hostId } = (await enrol(body.data.enrolment.token, key)).body.data;
    const upgrade = { Upgrade: "websocket" };
    for (const [aud, status] of [
      [outside, 101],
      ["http://edge.test", 101],
      ["https://elsewhere.example.com", 401],
    ] as const) {
      const token = await linkToken(hostId, key, { aud });
      const { status: answered, webSocket } = await ask("GET", "/api/v1/agent/link", {
        ...upgrade,
        Authorization: `Bearer ${token}`,
      });
      expect([aud, answered]).toEqual([aud, status]);
      webSocket?.accept();
      webSocket?.close();
    }
    for (const [origin, status] of [
      [outside, 101],
      ["https://elsewhere.example.com", 403],
    ] as const) {
      const { status: answered, webSocket } = await ask("GET", "/ws", { ...upgrade, Origin: origin });
      expect([origin, answered]).toEqual([origin, status]);
      webSocket?.accept();
      webSocket?.close();
    }
  });
});
