/** How the SDK calls: tries, tokens, errors, waits, pages, against a real HTTP server that misbehaves on order. */
import { afterEach, describe, expect, it } from "vitest";
import {
  type ClientOptions,
  etagOf,
  type Operation,
  type Retry,
  VoidVMClient,
  VoidVMError,
} from "../../sdk/typescript/src/index.ts";
import { ApiServer, type Asked, type FakeAnswer } from "../fakes/api-server.ts";
import { freePort } from "../free-port.ts";

let server: ApiServer | undefined;
afterEach(() => server?.stop());

const retries: Retry[] = [];

async function connect(
  answer: (asked: Asked, before: number) => FakeAnswer | Promise<FakeAnswer>,
  options: ClientOptions = { token: "t-1" },
): Promise<VoidVMClient> {
  server = await ApiServer.start(answer);
  retries.length = 0;
  return new VoidVMClient({ baseURL: server.url, onRetry: (retry) => retries.push(retry), ...options });
}

const asked = () => server?.asked ?? [];
const unavailable = (after?: number): FakeAnswer => ({
  status: 503,
  error: { code: "UNAVAILABLE", message: "not now" },
  headers: after === undefined ? {} : { "Retry-After": String(after) },
});
const failure = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VoidVMError);
  return error as VoidVMError;
};
const operation = (change: Partial<Operation> = {}): Operation => ({
  ...{ id: "op-1", kind: "vm.start", status: "running", progress: { percent: 10, step: null, message: null } },
  ...{
    resource: { type: "vm", id: "vm-1" },
    hostId: "host-1",
    userId: "user-1",
    requestId: "r-1",
    result: null,
    error: null,
  },
  ...{ createdAt: "2026-01-01T00:00:00Z", waitingFor: null, startedAt: null, finishedAt: null },
  ...change,
});

describe("tries", () => {
  it("an answer that was lost is asked for again with the same idempotency key", async () => {
    const client = await connect((_, before) => (before === 0 ? { cut: true } : { status: 201, data: { id: "vm-1" } }));
    expect(await client.vms.create({ name: "a", cpu: 1, memory: 128, disk: 1 })).toMatchObject({ id: "vm-1" });
    const keys = asked().map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]]);
  });

  it("two calls have two keys, and one's own key is taken", async () => {
    const client = await connect(() => ({ data: operation() }));
    await client.vms.start("a");
    await client.vms.start("a");
    await client.vms.start("a", { idempotencyKey: "mine" });
    const [first, second, third] = asked().map(({ headers }) => headers["idempotency-key"]);
    expect(first).not.toBe(second);
    expect(third).toBe("mine");
  });

  it("waits as long as Retry-After says, for 429 and for 503", async () => {
    const client = await connect((_, before) => {
      if (before === 0)
        return { status: 429, error: { code: "RATE_LIMITED", message: "slow" }, headers: { "Retry-After": "1" } };
      return before === 1
        ? unavailable(1)
        : { data: { vms: [], pagination: { page: 1, limit: 20, total: 0, pages: 0 } } };
    });
    expect(await client.vms.list()).toHaveLength(0);
    expect(retries.map(({ error }) => error.code)).toEqual(["RATE_LIMITED", "UNAVAILABLE"]);
    for (const { delay } of retries) expect(delay).toBeGreaterThanOrEqual(1000);
  });

  it("who would have to wait too long is told so at once", async () => {
    const client = await connect(() => unavailable(3600));
    expect(await failure(client.vms.list())).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      retryAfter: 3_600_000,
    });
    expect(asked()).toHaveLength(1);
  });

  it("a PATCH whose answer was lost is not sent again", async () => {
    const client = await connect(() => ({ cut: true }));
    expect(await failure(client.vms.update("a", { cpu: 2 }))).toMatchObject({ code: "NETWORK_ERROR", status: null });
    expect(asked()).toHaveLength(1);
  });

  it("a deletion that was done although its answer was lost is done", async () => {
    const gone = { status: 404, error: { code: "USER_NOT_FOUND", message: "gone" } };
    const client = await connect(({ url }, before) => (url.endsWith("lost") && before === 0 ? { cut: true } : gone));
    await client.users.delete("lost");
    expect(asked()).toHaveLength(2);
    expect((await failure(client.users.delete("never-was"))).code).toBe("USER_NOT_FOUND");
  });

  it("the deletion of a machine finds its operation again", async () => {
    const client = await connect(({ method, url }, before) => {
      if (method === "DELETE" && before === 0) return { cut: true };
      if (url.startsWith("/api/v1/operations?")) return { data: { operations: [operation({ kind: "vm.delete" })] } };
      return { status: 404, error: { code: "VM_NOT_FOUND", message: "gone" } };
    });
    expect(await client.vms.delete("vm-1")).toMatchObject({ id: "op-1", kind: "vm.delete", vm: null });
    expect(asked().at(-1)?.url).toBe("/api/v1/operations?vmId=vm-1&kind=vm.delete&limit=1");
  });

  it("gives up after as many as it may", async () => {
    const client = await connect(() => unavailable(0), { token: "t", retries: 2 });
    await failure(client.vms.list());
    expect(asked()).toHaveLength(3);
  });

  it("where nothing listens it is NETWORK_ERROR", async () => {
    const client = new VoidVMClient({ baseURL: `http://127.0.0.1:${await freePort()}/api/v1`, token: "t", retries: 0 });
    expect(await failure(client.vms.list())).toMatchObject({
      code: "NETWORK_ERROR",
      retryable: true,
      details: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("a server that doesn't answer is TIMEOUT", async () => {
    const client = await connect(() => new Promise(() => {}), { token: "t", retries: 0, timeout: 100 });
    expect((await failure(client.vms.list())).code).toBe("TIMEOUT");
  });

  it("a signal ends a call and a wait between two tries, with its own reason", async () => {
    const client = await connect(() => unavailable(30));
    const reason = new Error("enough");
    const abort = new AbortController();
    const call = client.vms.list({}, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 100);
    await expect(call).rejects.toBe(reason);
    await expect(client.vms.list({}, { signal: abort.signal })).rejects.toBe(reason);
    expect(asked()).toHaveLength(1);
  });
});

describe("who calls", () => {
  const login = (n: number, life = 3_600_000) => ({
    token: `t-${n}`,
    refreshToken: `r-${n}`,
    expiresAt: new Date(Date.now() + life).toISOString(),
    refreshExpiresAt: new Date(Date.now() + 30 * life).toISOString(),
    user: {},
  });
  const paths = () => asked().map(({ method, url }) => `${method} ${url.slice("/api/v1".length)}`);
  const refused = { status: 401, error: { code: "TOKEN_EXPIRED", message: "expired" } };

  it("however many calls begin at once, there is one login", async () => {
    const client = await connect(({ url }) => ({ data: url.endsWith("/login") ? login(1) : {} }), {
      username: "a",
      password: "b",
    });
    await Promise.all([client.auth.me(), client.auth.me(), client.auth.me()]);
    expect(paths().filter((path) => path === "POST /auth/login")).toHaveLength(1);
    expect(asked().at(-1)?.headers.authorization).toBe("Bearer t-1");
  });

  it("a token that was refused is refreshed once for all, with each refresh token spent once", async () => {
    let current = 1;
    const client = await connect(
      ({ url, headers }) => {
        if (url.endsWith("/login")) return { data: login(1) };
        if (url.endsWith("/refresh")) return { data: login(++current) };
        if (current === 1) return refused;
        return headers.authorization === `Bearer t-${current}` ? { data: {} } : refused;
      },
      { username: "a", password: "b" },
    );
    await Promise.all([client.auth.me(), client.auth.me(), client.auth.me()]);
    const refreshes = asked().filter(({ url }) => url.endsWith("/refresh"));
    expect(refreshes.map(({ body }) => JSON.parse(body))).toEqual([{ refreshToken: "r-1" }]);
  });

  it("a session that is over is begun anew with the password, and without one it is the error", async () => {
    const answer = ({ url, headers }: Asked): FakeAnswer => {
      if (url.endsWith("/refresh")) return { status: 401, error: { code: "UNAUTHENTICATED", message: "spent" } };
      if (url.endsWith("/login")) return { data: login(7) };
      return headers.authorization === "Bearer t-7" ? { data: {} } : refused;
    };
    const client = await connect(answer, { username: "a", password: "b", refreshToken: "r-0" });
    await client.auth.me();
    expect(paths()).toEqual(["POST /auth/refresh", "POST /auth/login", "GET /auth/me"]);
    await server?.stop();
    const other = await connect(answer, { refreshToken: "r-0" });
    expect((await failure(other.auth.me())).code).toBe("UNAUTHENTICATED");
  });

  it("a token that ends soon is renewed before it is refused, and onLogin is told", async () => {
    const told: string[] = [];
    const client = await connect(
      ({ url }) => ({ data: url.includes("/auth/re") ? login(2) : url.endsWith("/login") ? login(1, 20) : {} }),
      {
        username: "a",
        password: "b",
        onLogin: ({ refreshToken }) => told.push(refreshToken),
      },
    );
    await client.auth.me();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await client.auth.me();
    expect(told).toEqual(["r-1", "r-2"]);
  });

  it("a token of one's own is asked for again where it was refused, and a fixed one is not", async () => {
    let n = 0;
    const client = await connect(({ headers }) => (headers.authorization === "Bearer own-2" ? { data: {} } : refused), {
      token: () => `own-${++n}`,
    });
    await client.auth.me();
    expect(asked()).toHaveLength(2);
    await server?.stop();
    const fixed = await connect(() => refused, { token: "fixed" });
    expect((await failure(fixed.auth.me())).code).toBe("TOKEN_EXPIRED");
    expect(asked()).toHaveLength(1);
  });
});

describe("answers", () => {
  it("an error has its code, status, request, details and fields", async () => {
    const fields = [{ path: "cpu", message: "too small" }];
    const error = { code: "INVALID_REQUEST_PARAMS", message: "请求参数错误", details: "cpu is 0", fields };
    const client = await connect(() => ({ status: 400, error, headers: { "X-Request-Id": "r-9" } }));
    expect(await failure(client.vms.create({ name: "a", cpu: 0, memory: 1, disk: 1 }))).toMatchObject({
      ...{ name: "VoidVMError", ...error, status: 400, requestId: "r-9", retryable: false },
    });
  });

  it("what is not this API is INVALID_RESPONSE", async () => {
    const client = await connect(() => ({ raw: "<html>welcome</html>" }));
    expect(await failure(client.vms.list())).toMatchObject({ code: "INVALID_RESPONSE", status: 200 });
  });

  it("an ETag is kept for the change that shall not overwrite", async () => {
    const client = await connect(() => ({ data: { id: "vm-1" }, headers: { ETag: '"abc"' } }));
    const vm = await client.vms.get("vm-1");
    await client.vms.update("vm-1", { cpu: 2 }, { ifMatch: etagOf(vm) });
    expect(asked().at(-1)?.headers["if-match"]).toBe('"abc"');
  });

  it("an id can't lead to another route", async () => {
    const client = await connect(() => ({ data: {} }));
    await client.vms.get("../users?x#y");
    expect(asked()[0]?.url).toBe("/api/v1/vms/..%2Fusers%3Fx%23y");
    for (const id of ["", ".", ".."]) expect(() => client.vms.get(id)).toThrow(TypeError);
  });

  it("pages follow one another, and an entry that moved to the next page comes once", async () => {
    const pages = [["a", "b"], ["b", "c"], ["d"]];
    const client = await connect(({ url }) => {
      const page = Number(new URL(url, "http://x").searchParams.get("page"));
      return {
        data: { vms: pages[page - 1]?.map((id) => ({ id })), pagination: { page, limit: 2, total: 5, pages: 3 } },
      };
    });
    const ids: string[] = [];
    for await (const { id } of client.vms.iterate({ limit: 2 })) ids.push(id);
    expect(ids).toEqual(["a", "b", "c", "d"]);
    const page = await client.vms.list({ page: 2 });
    expect([page.length, page.pagination.total]).toEqual([2, 5]);
  });
});

describe("waiting for an operation", () => {
  const ended = (change: Partial<Operation>) => operation({ finishedAt: "2026-01-01T00:00:09Z", ...change });

  it("resolves with the machine as it is afterwards, and shows the progress on the way", async () => {
    const client = await connect(({ url }, before) => {
      if (url.startsWith("/api/v1/operations/")) {
        return {
          data:
            before === 0
              ? operation({ progress: { percent: 60, step: "boot", message: null } })
              : ended({ status: "succeeded" }),
        };
      }
      return { data: url.endsWith("/start") ? { ...operation(), vm: { status: "starting" } } : { status: "running" } };
    });
    const seen: string[] = [];
    const done = await client.vms.start("a", {
      onProgress: ({ status, progress }) => seen.push(`${status} ${progress.percent}`),
    });
    expect(done).toMatchObject({ status: "succeeded", vm: { status: "running" } });
    expect(seen).toEqual(["running 10", "running 60", "succeeded 10"]);
    expect(asked()[1]?.url).toBe("/api/v1/operations/op-1?wait=2");
  });

  it.each([
    ["failed", { code: "NO_SPACE", message: "full" }, { code: "NO_SPACE", retryable: true }],
    ["failed", { code: "IMAGE_UNSAFE", message: "bad" }, { code: "IMAGE_UNSAFE", retryable: false }],
    ["unknown", { code: "OUTCOME_UNKNOWN", message: "?" }, { code: "OUTCOME_UNKNOWN", retryable: false }],
    ["cancelled", null, { code: "CANCELLED", retryable: true }],
  ] as const)("one that ended as %s rejects with %o", async (status, error, expected) => {
    const client = await connect(() => ({ data: { ...ended({ status, error }), vm: null } }));
    expect(await failure(client.vms.start("a", { wait: true }))).toMatchObject({
      ...expected,
      status: null,
      operation: { id: "op-1" },
    });
  });

  it("one that takes too long is TIMEOUT, and goes on", async () => {
    const client = await connect(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { data: operation() };
    });
    expect(await failure(client.operations.wait("op-1", { timeout: 50 }))).toMatchObject({
      code: "TIMEOUT",
      operation: { id: "op-1" },
    });
  });
});
