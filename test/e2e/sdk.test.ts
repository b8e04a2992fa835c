/** The TypeScript SDK against a whole VoidVM: the documentation's sample, every method, and faults on the way. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectFolder } from "../../scripts/project.ts";
import { methodList } from "../../scripts/write-clients-page.ts";
import { etagOf, type Retry, type SystemEvent, VoidVMClient } from "../../sdk/typescript/src/index.ts";
import { CuttingProxy } from "../fakes/cutting-proxy.ts";
import { Cloud } from "./cloud.ts";
import { userFolder } from "./sdk-package.ts";

const login = { username: "admin", password: "admin123", language: "en" };
const tiny = { cpu: 1, memory: 128, disk: 1, os: "tiny" };

let cloud: Cloud;
let app: string;
let client: VoidVMClient;
/** Makes a request a second, so that its limit has room again a second after it is reached. */
let patient: VoidVMClient;
let pulse: NodeJS.Timeout;
const retries: Retry[] = [];

beforeAll(async () => {
  cloud = await Cloud.start();
  app = join(cloud.home, "app");
  await userFolder(app);
  client = new VoidVMClient({ baseURL: cloud.base, ...login });
  await client.users.create({ username: "patient", password: "correct horse" });
  const options = { baseURL: cloud.base, username: "patient", password: "correct horse" };
  patient = new VoidVMClient({ ...options, onRetry: (retry) => retries.push(retry) });
  await patient.auth.me();
  pulse = setInterval(() => void patient.auth.me().catch(() => {}), 1_000);
});
afterAll(async () => {
  clearInterval(pulse);
  await cloud.dispose();
});

const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe("the documentation's samples", () => {
  it("the one of the API's overview runs as it stands, but for the port and the token", async () => {
    const page = readFileSync(join(projectFolder, "docs/seed/api-overview.zh.md"), "utf8");
    const sample = /```typescript\n(.*?)```/s.exec(page)?.[1] ?? "";
    const { token } = await client.tokens.create({ name: "sample", scopes: ["*"] });
    await run(
      "sample.ts",
      sample.replaceAll("localhost:3000", `localhost:${cloud.port}`).replace("your-jwt-token", token),
    );
    await cloud.until("my-vm runs", async () => (await client.vms.get("my-vm")).status === "running");
    expect(cloud.qemus()).toHaveLength(1);
    await client.vms.delete("my-vm", { force: true, wait: true });
  });

  it("those of docs/sdk-typescript.md run, one after the other", async () => {
    const page = readFileSync(join(projectFolder, "docs/sdk-typescript.md"), "utf8");
    const samples = [...page.matchAll(/<!-- test -->\n```ts\n(.*?)```/gs)].map(([, text]) => text ?? "");
    expect(samples.length).toBeGreaterThan(5);
    const text = samples.join("\n").replaceAll("localhost:3000", `localhost:${cloud.port}`);
    await run("page.ts", text);
    expect(await client.vms.list({ search: "web-1" })).toHaveLength(0);
  });

  /** With the compiler's consent, as a user's program. */
  async function run(name: string, text: string): Promise<void> {
    await writeFile(join(app, name), text);
    const compiler = join(projectFolder, "node_modules/typescript/bin/tsc");
    const checks = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--lib",
      "es2023,dom,dom.asynciterable",
    ];
    const types = ["--types", "node", "--typeRoots", join(projectFolder, "node_modules/@types")];
    await inApp([compiler, ...checks, ...types, name]);
    await inApp([name]);
  }

  async function inApp(words: string[]): Promise<void> {
    try {
      await promisify(execFile)(process.execPath, words, { cwd: app });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${words.at(-1)}:\n${stdout}\n${stderr}`, { cause: error });
    }
  }
});

describe("every method", () => {
  const called = new Set<string>();
  /** Notes what is called of it. */
  function noting<T extends object>(target: T, prefix = ""): T {
    return new Proxy(target, {
      get(of, name: string) {
        const value: unknown = Reflect.get(of, name);
        if (typeof value === "object" && value !== null) return noting(value, `${prefix}${name}.`);
        if (typeof value !== "function") return value;
        called.add(prefix + name);
        return value.bind(of) as unknown;
      },
    });
  }
  const first = async <T>(all: AsyncIterable<T>): Promise<T | undefined> => {
    for await (const one of all) return one;
    return undefined;
  };
  let noted: VoidVMClient;
  beforeAll(() => {
    noted = noting(new VoidVMClient({ baseURL: cloud.base, language: "en" }));
  });

  it("accounts", async () => {
    const { refreshToken } = await noted.auth.login({ username: "admin", password: "admin123" });
    await noted.auth.refresh(refreshToken);
    expect((await noted.auth.me()).allowed).toContain("vm:create");

    const user = await noted.users.create({ username: "walker", password: "correct horse" });
    expect(etagOf(await noted.users.get(user.id))).toMatch(/^"/);
    expect(await noted.users.update(user.id, { plan: "none" })).toMatchObject({ plan: "none" });
    expect(await noted.users.replace(user.id, { username: "walker", email: "a@example.org" })).toMatchObject({
      plan: "free",
    });
    expect((await noted.users.list({ role: "user" })).map(({ username }) => username)).toContain("walker");
    expect(await first(noted.users.iterate())).toHaveProperty("username");
    // Of somebody else: it ends all other sessions, which the test's own is one of.
    await noted.users.update(user.id, { password: "battery staple" });
    await noted.auth.login({ username: "walker", password: "battery staple" });
    await noted.auth.changePassword({ currentPassword: "battery staple", newPassword: "correct horse" });
    await noted.auth.login({ username: "admin", password: "admin123" });
    await noted.users.delete(user.id);
    expect(await noted.roles.list()).toHaveLength(2);
    expect((await noted.permissions.list()).map(({ name }) => name)).toContain("vm:read");

    const token = await noted.tokens.create({ name: "walker", scopes: ["vm:read"] });
    expect((await noted.tokens.list()).map(({ id }) => id)).toContain(token.id);
    expect(await first(noted.tokens.iterate())).toHaveProperty("scopes");
    await noted.tokens.delete(token.id);
  });

  it("machines and operations", async () => {
    const progress: string[] = [];
    const vm = await noted.vms.create({ name: "walk", ...tiny }, { onProgress: ({ status }) => progress.push(status) });
    expect([vm.status, progress.at(-1)]).toEqual(["stopped", "succeeded"]);
    expect((await noted.vms.list({ search: "walk" })).pagination.total).toBe(1);
    expect(await first(noted.vms.iterate({ sort: "name" }))).toMatchObject({ id: vm.id });
    const before = await noted.vms.get("walk");
    expect(await noted.vms.update("walk", { memory: 144 }, { wait: true, ifMatch: etagOf(before) })).toMatchObject({
      memory: 144,
    });
    await expect(noted.vms.update("walk", { cpu: 2 }, { ifMatch: etagOf(before) })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });

    const begun = await noted.vms.start(vm.id);
    expect(await noted.operations.wait(begun.id)).toMatchObject({ status: "succeeded" });
    expect(await noted.vms.pause("walk", { wait: true })).toMatchObject({ vm: { status: "paused" } });
    expect(await noted.vms.resume("walk", { wait: true })).toMatchObject({ vm: { status: "running" } });
    expect(await noted.vms.reset("walk", { wait: true })).toMatchObject({ status: "succeeded" });
    expect(await noted.vms.restart("walk", { mode: "force" }, { wait: true })).toMatchObject({
      vm: { status: "running" },
    });
    expect(await noted.operations.get(begun.id)).toMatchObject({ progress: { percent: 100 } });
    expect(await noted.operations.list({ id: [begun.id] })).toHaveLength(1);
    expect(await first(noted.operations.iterate({ vmId: vm.id }))).toHaveProperty("kind");
    await expect(noted.operations.cancel(begun.id)).rejects.toMatchObject({ code: "OPERATION_ENDED", status: 409 });
  });

  it("consoles, ports and what happens", async () => {
    await cloud.booted("walk");
    expect(await first(noted.vms.watch("walk"))).toMatchObject({ name: "walk", status: "running" });
    expect(await first(noted.operations.watch({ signal: AbortSignal.timeout(1000) })).catch(() => null)).toBeNull();
    expect((await first(noted.vms.metrics("walk", { interval: 1000 })))?.cpu.cores).toBe(1);
    expect((await first(noted.system.monitor({ interval: 1000 })))?.memory.total).toBeGreaterThan(0);
    expect(await first(noted.subscribe([{ topic: "vm-status-all" }]))).toMatchObject({ data: { name: "walk" } });
    const page = await noted.listEvents({ after: 0 });
    expect(page.events[0]?.seq).toBeGreaterThan(0);
    expect((await noted.vms.listEvents("walk")).events.map(({ event }) => event)).toContain("vm-created");
    expect((await first(noted.events({ after: 0 })))?.seq).toBe(page.events[0]?.seq);

    const screen = await noted.vms.console("walk");
    expect(decode((await screen.readable.getReader().read()).value)).toBe("RFB 003.008\n");
    screen.close();
    const serial = await noted.vms.serial("walk", { takeOver: true });
    expect(await until(serial.readable, "TINY READY")).toContain("TINY READY");
    serial.close();
    const http = await noted.vms.tunnel("walk", 80);
    const writer = http.writable.getWriter();
    await writer.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    expect(await until(http.readable, "</h1>")).toContain("<h1>walk</h1>");
    await expect(noted.vms.tunnel("walk", 9)).rejects.toMatchObject({ code: "PORT_CLOSED" });

    expect(await noted.vms.stop("walk", { force: true }, { wait: true })).toMatchObject({ vm: { status: "stopped" } });
    expect(await noted.vms.delete("walk", { wait: true })).toMatchObject({ status: "succeeded", vm: null });
  });

  it("hosts, images and the system", async () => {
    const { host, enrolment } = await noted.hosts.create({ name: "rack-1" });
    expect((await noted.hosts.createToken(host.id)).enrolment.token).not.toBe(enrolment.token);
    expect(await noted.hosts.get(host.id)).toMatchObject({ status: "pending" });
    expect((await noted.hosts.list({ status: "pending" })).map(({ name }) => name)).toEqual(["rack-1"]);
    expect(await first(noted.hosts.iterate())).toHaveProperty("capacity");
    expect(await noted.hosts.update(host.id, { overcommit: { cpu: 4 } })).toMatchObject({ overcommit: { cpu: 4 } });
    expect((await noted.hosts.drain(host.id)).host.schedulable).toBe(false);
    await expect(noted.hosts.release(host.id)).rejects.toMatchObject({ code: "HOST_NOT_QUARANTINED" });
    await expect(noted.hosts.upgrade(host.id)).rejects.toMatchObject({ code: "HOST_OFFLINE" });
    await noted.hosts.delete(host.id, { force: true });

    const sha256 = "0".repeat(64);
    const image = await noted.images.create({
      name: "Own",
      url: "https://images.example.org/a.qcow2",
      sha256,
      format: "qcow2",
      os: "own",
    });
    expect(await noted.images.get(image.id)).toMatchObject({ source: "custom" });
    expect(await noted.images.list({ os: "own" })).toHaveLength(1);
    expect(await first(noted.images.iterate())).toHaveProperty("minDisk");
    await noted.images.delete(image.id);

    expect(await noted.system.health()).toMatchObject({ status: "ok" });
    expect((await noted.system.info()).hosts.online).toBe(1);
    expect((await noted.system.stats({ period: "24h" })).stepSeconds).toBeGreaterThan(0);
    expect(await noted.system.metrics()).toContain("voidvm_build_info");
    expect(await noted.system.openapi()).toMatchObject({ info: { title: "VoidVM" } });
    const config = await noted.config.get();
    expect(await noted.config.update({ defaults: { cpu: config.defaults.cpu } })).toEqual(config);
    expect((await noted.audit.list({ result: "succeeded" })).length).toBeGreaterThan(5);
    expect(await first(noted.audit.iterate())).toHaveProperty("route");
    expect((await noted.logs.list({ level: "info" })).length).toBeGreaterThan(0);
    expect(await first(noted.logs.iterate())).toHaveProperty("source");
    await noted.auth.logout();
    await expect(noted.auth.me()).rejects.toMatchObject({ status: 401 });
  });

  it("was called", () => {
    const all = methodList.methods.flatMap(({ typescript }) => (typescript === null ? [] : [typescript]));
    expect([...called].toSorted()).toEqual([...new Set(all)].toSorted());
  });

  async function until(readable: ReadableStream<Uint8Array>, text: string): Promise<string> {
    let seen = "";
    for await (const chunk of readable) {
      seen += decode(chunk);
      if (seen.includes(text)) return seen;
    }
    throw new Error(`It ended before '${text}': ${seen}`);
  }
});

describe("faults on the way", () => {
  it("answers that are lost end in one machine, one start, one token and one deletion", async () => {
    const lostOnce = new Set<string>();
    // Each route that changes something loses its first answer.
    const proxy = await CuttingProxy.start(cloud.base, (method, path) => {
      const route = `${method} ${path.replace(/vm-\w+/, ":id")}`;
      if (method === "GET" || path.includes("/auth/login") || lostOnce.has(route)) return false;
      return !!lostOnce.add(route);
    });
    try {
      const through = new VoidVMClient({ baseURL: `${proxy.origin}/api/v1`, ...login });
      const vm = await through.vms.create({ name: "once", ...tiny }, { wait: true });
      expect(await through.vms.start(vm.id, { wait: true })).toMatchObject({ vm: { status: "running" } });
      const token = await through.tokens.create({ name: "once", scopes: ["vm:read"] });
      expect(await through.vms.delete(vm.id, { force: true, wait: true })).toMatchObject({ status: "succeeded" });

      expect(proxy.lost).toBe(4);
      const operations = await client.operations.list({ vmId: vm.id, sort: "createdAt" });
      expect(operations.map(({ kind }) => kind)).toEqual(["vm.create", "vm.start", "vm.delete"]);
      const same = (await client.tokens.list({ limit: 100 })).filter(({ name }) => name === "once");
      expect(same.map(({ id }) => id)).toEqual([token.id]);
      expect(await new VoidVMClient({ baseURL: cloud.base, token: token.token }).vms.list()).toHaveLength(0);
    } finally {
      await proxy.stop();
    }
  });

  it("a host that is away for a moment is waited for", async () => {
    const vm = await client.vms.create({ name: "waits", ...tiny, start: true }, { wait: true });
    const seen: string[] = [];
    const waiting = new VoidVMClient({ baseURL: cloud.base, ...login, onRetry: ({ error }) => seen.push(error.code) });
    await waiting.auth.me();
    await cloud.until("it was waited for", async () => {
      cloud.kill("agent");
      // The agent may be back before it is seen that it was away.
      await cloud.until("it is away", async () => (await client.vms.get(vm.id)).host.status === "offline", 10_000);
      const screen = await waiting.vms.console(vm.id);
      screen.close();
      return seen.length > 0;
    });
    expect(seen).toContain("HOST_OFFLINE");
  });

  it("events go over a restart of the edge without a gap and without a repetition", async () => {
    const seen: SystemEvent[] = [];
    const lost: string[] = [];
    const { after } = await client.listEvents({ after: 0, limit: 1000 });
    const done = new AbortController();
    const watching = (async () => {
      const options = { after, signal: done.signal, onReconnect: ({ code }: { code: string }) => lost.push(code) };
      for await (const event of client.events(options)) seen.push(event);
    })().catch((error: unknown) => {
      if (!done.signal.aborted) throw error;
    });
    const vm = await client.vms.create({ name: "eventful", ...tiny }, { wait: true });
    await cloud.until("the creation is seen", async () => seen.some(({ event }) => event === "vm-created"));
    // What happens while the edge comes back is nobody's to send.
    cloud.kill("workerd");
    await client.vms.start(vm.id, { wait: true });
    await client.vms.delete(vm.id, { force: true, wait: true });
    await cloud.until("the deletion is seen", async () =>
      seen.some(({ event, vmId }) => event === "vm-deleted" && vmId === vm.id),
    );
    done.abort();
    await watching;

    expect(lost).not.toEqual([]);
    const written = await client.listEvents({ after, limit: 1000 });
    const last = seen.at(-1)?.seq ?? 0;
    expect(seen.map(({ seq }) => seq)).toEqual(written.events.map(({ seq }) => seq).filter((seq) => seq <= last));
  });

  // Last, since it leaves nobody more than a request a second.
  it("429 is waited out", async () => {
    clearInterval(pulse);
    const { token } = await new VoidVMClient({ baseURL: cloud.base }).auth.login({
      username: "patient",
      password: "correct horse",
    });
    const { headers } = await cloud.request("GET", "/auth/me", undefined, { Authorization: `Bearer ${token}` });
    const of = (name: string) => Number(headers.get(`RateLimit-${name}`));
    await client.config.update({ limits: { requestsPerMinute: of("Limit") - of("Remaining") } });
    retries.length = 0;
    let startedAt = 0;
    // One of the last minute may have left it just now, so that there was room.
    while (retries.length === 0) {
      startedAt = performance.now();
      await patient.auth.me();
    }
    expect(retries[0]?.error).toMatchObject({ code: "RATE_LIMITED", status: 429 });
    const delay = retries[0]?.delay ?? 0;
    expect(delay).toBeGreaterThanOrEqual(1000);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(delay);
  });
});
