/** The REST API in workerd with D1 and real objects; hosts are online and silent. */
import { env, SELF } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { signAccessToken } from "../../api/tokens.ts";
import { addHost, Client, jwtKeys, machine } from "./client.ts";

const nobody = new Client(null);
let admin: Client;
let user: Client;
beforeAll(async () => {
  await addHost();
  await nobody.post("/auth/login", { username: "admin", password: "admin123" });
  [admin, user] = await Promise.all([Client.as("admin", "none"), Client.as("user", "none")]);
});

describe("every answer", () => {
  it("has the envelope, a request id and the version", async () => {
    const { status, body, headers } = await nobody.get("/health", { "X-Request-Id": "my-request.1" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, data: { status: "ok" }, message: "OK" });
    expect(Date.parse(body.timestamp)).not.toBeNaN();
    expect(headers.get("X-Request-Id")).toBe("my-request.1");
    expect(headers.get("X-VoidVM-Version")).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("has an id of our own where the client's is not sane", async () => {
    const { headers } = await nobody.get("/health", { "X-Request-Id": "a b\tc" });
    expect(headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    [null, "虚拟机不存在"],
    ["zh-CN,zh;q=0.9,en;q=0.8", "虚拟机不存在"],
    ["en-GB", "No such virtual machine"],
    ["fr, en;q=0.5, zh;q=0.4", "No such virtual machine"],
    ["fr", "虚拟机不存在"],
  ])("to Accept-Language %s speaks the language asked for", async (language, message) => {
    const response = await SELF.fetch("http://edge.test/api/v1/vms/vm-001", {
      headers: { ...(await bearer()), ...(language === null ? {} : { "Accept-Language": language }) },
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      success: false,
      error: { code: "VM_NOT_FOUND", message, details: "Virtual machine with ID 'vm-001' was not found" },
    });
  });

  it("to an address that there isn't is a 404 in the envelope", async () => {
    expect(await admin.get("/nothing")).toMatchObject({ status: 404, body: { error: { code: "NOT_FOUND" } } });
    const elsewhere = await SELF.fetch("http://edge.test/nothing");
    expect(await elsewhere.json()).toMatchObject({ success: false, error: { code: "NOT_FOUND" } });
  });

  async function bearer() {
    return {
      Authorization: `Bearer ${await signAccessToken(jwtKeys, { sub: user.id }, 60)}`,
    };
  }
});

describe("a body", () => {
  const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;

  it.each([
    ["is an unknown key", machine("a", { colour: "red" }), "colour"],
    ["has an owner that is not its to choose", machine("a", { ownerId: "user-2" }), "ownerId"],
    ["has __proto__", '{"name":"a","cpu":1,"memory":256,"disk":1,"__proto__":{"role":"admin"}}', "__proto__"],
    ["has a negative cpu", machine("a", { cpu: -1 }), "cpu"],
    ["has 1e308 cpus", machine("a", { cpu: 1e308 }), "cpu"],
    ["has its cpu as text", machine("a", { cpu: "4" }), "cpu"],
    ["has half a disk", machine("a", { disk: 1.5 }), "disk"],
    ["has no memory", { name: "a", cpu: 1, disk: 1 }, "memory"],
    ["has an option in its name", machine("a,readonly=off"), "name"],
    ["has a path in its name", machine("../../etc"), "name"],
    ["has a command in its name", machine("$(reboot)"), "name"],
    ["has NUL in its name", machine("a\u0000b"), "name"],
    ["has a right-to-left mark in its name", machine("a\u202eb"), "name"],
    ["has a name of 10 kB", machine("a".repeat(10_240)), "name"],
    ["has a name like an id", machine(`vm-${"0".repeat(26)}`), "name"],
    ["has an os that there isn't", machine("a", { os: "windows95" }), "os"],
    ["has an image that there isn't", machine("a", { image: "img-none" }), "image"],
    ["has a disk too small for its image", machine("a", { os: "ubuntu20.04" }), "disk"],
    [
      "has a newline in a key",
      machine("a", { cloudInit: { sshKeys: ["ssh-ed25519 AAAA\nx"] } }),
      "cloudInit.sshKeys.0",
    ],
    ["has user data of 65 KiB", machine("a", { cloudInit: { userData: "x".repeat(66_560) } }), "cloudInit.userData"],
    ["is 10,000 deep", `{"name":${deep}}`, "name"],
  ])("that %s is a 400 that names the field", async (_what, body, path) => {
    const answer = await user.post("/vms", body);
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("INVALID_REQUEST_PARAMS");
    expect(answer.body.error.fields.map((field: { path: string }) => field.path)).toContain(path);
  });

  it("that chooses a host is for administrators", async () => {
    const answer = await user.post("/vms", machine("a", { hostId: "host-1" }));
    expect(answer).toMatchObject({ status: 400, body: { error: { fields: [{ path: "hostId" }] } } });
  });

  it.each(["{", "", "null", "[]", '"text"', "{}x"])("that is %j is a 400", async (text) => {
    expect((await user.post("/vms", text)).status).toBe(400);
  });

  it("that is not JSON is a 415, one that is too large a 413", async () => {
    const form = await user.post("/vms", "name=a", { "Content-Type": "application/x-www-form-urlencoded" });
    expect(form).toMatchObject({ status: 415, body: { error: { code: "UNSUPPORTED_MEDIA_TYPE" } } });
    const large = await user.post("/vms", JSON.stringify({ name: "x".repeat(1_100_000) }));
    expect(large).toMatchObject({ status: 413, body: { error: { code: "PAYLOAD_TOO_LARGE" } } });
  });

  it("of a query with an unknown key or a wrong number is a 400", async () => {
    expect((await user.get("/vms?colour=red")).body.error.fields).toMatchObject([{ path: "colour" }]);
    expect((await user.get("/vms?limit=101")).body.error.fields).toMatchObject([{ path: "limit" }]);
    expect((await user.get("/vms?page=0")).status).toBe(400);
  });
});

describe("machines", () => {
  it("are created with name, cpu, memory and disk alone, from the default image", async () => {
    const { status, body, headers } = await user.post("/vms", machine("first"));
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`/api/v1/vms/${body.data.id}`);
    expect(body.data).toMatchObject({
      ...{ name: "first", status: "creating", os: "tiny", cpu: 1, memory: 256, disk: 1, ownerId: user.id },
      operation: { kind: "vm.create", status: "queued", resource: { type: "vm", id: body.data.id } },
    });
    const read = await user.get(`/vms/${body.data.id}`);
    expect(read.body.data).toMatchObject({ id: body.data.id, host: { status: "online", asOf: null } });
    expect((await user.get("/vms/first")).body.data.id).toBe(body.data.id);
  });

  it("have names that are their owner's: taken for one, free for another", async () => {
    const other = await Client.as("user");
    await user.post("/vms", machine("twice"));
    expect(await user.post("/vms", machine("twice"))).toMatchObject({
      status: 409,
      body: { error: { code: "NAME_TAKEN" } },
    });
    expect((await other.post("/vms", machine("twice"))).status).toBe(201);
  });

  it("never show their first password again, neither in the machine nor in the operation", async () => {
    const cloudInit = { user: "me", password: "opensesame" };
    const { body } = await user.post("/vms", machine("secretive", { cloudInit }));
    const operation = await user.get(`/operations/${body.data.operation.id}`);
    expect(JSON.stringify([body, operation.body])).not.toContain("opensesame");
  });

  it("are listed page by page, filtered and sorted", async () => {
    const owner = await Client.as("user", "none");
    for (const name of ["b-web", "a-web", "c-db"])
      await owner.post("/vms", machine(name, { labels: { tier: name.slice(2) } }));
    const names = async (query: string) =>
      (await owner.get(`/vms?${query}`)).body.data.vms.map((vm: { name: string }) => vm.name);
    expect(await names("sort=name")).toEqual(["a-web", "b-web", "c-db"]);
    expect(await names("sort=-name&limit=2")).toEqual(["c-db", "b-web"]);
    expect(await names("sort=name&limit=2&page=2")).toEqual(["c-db"]);
    expect(await names("search=web&sort=name")).toEqual(["a-web", "b-web"]);
    expect(await names("label=tier=db")).toEqual(["c-db"]);
    expect(await names("label=tier&sort=name")).toHaveLength(3);
    expect(await names("search=%25")).toEqual([]);
    expect(await names("status=running")).toEqual([]);
    expect((await owner.get("/vms?limit=2")).body.data.pagination).toEqual({ page: 1, limit: 2, total: 3, pages: 2 });
  });

  it("of somebody else are not found, whatever is done with them, and an administrator finds them", async () => {
    const other = await Client.as("user");
    const { body } = await user.post("/vms", machine("mine"));
    const { id } = body.data;
    const attempts = [
      other.get(`/vms/${id}`),
      other.get("/vms/mine"),
      other.request("DELETE", `/vms/${id}`),
      ...["start", "stop", "restart", "pause", "resume", "reset"].map((action) => other.post(`/vms/${id}/${action}`)),
      other.get(`/operations/${body.data.operation.id}`),
    ];
    for (const attempt of await Promise.all(attempts)) expect(attempt.status).toBe(404);
    expect((await other.get("/vms")).body.data.vms).toEqual([]);
    expect((await other.get(`/operations?vmId=${id}`)).body.data.operations).toEqual([]);
    expect((await admin.get(`/vms/${id}`)).status).toBe(200);
    expect((await user.get(`/operations/${body.data.operation.id}`)).body.data.status).toBe("queued");
  });
});

describe("actions", () => {
  it("are judged by what the machine will be when its turn comes", async () => {
    const { id } = (await user.post("/vms", machine("queue"))).body.data;
    const code = async (action: string) => {
      const { status, body } = await user.post(`/vms/${id}/${action}`);
      return status === 202 ? body.data.kind : `${status} ${body.error.code}`;
    };
    expect(await code("pause")).toBe("409 VM_NOT_RUNNING");
    expect(await code("start")).toBe("vm.start");
    expect(await code("start")).toBe("409 VM_ALREADY_RUNNING");
    expect(await code("resume")).toBe("409 VM_NOT_PAUSED");
    expect(await code("pause")).toBe("vm.pause");
    expect(await code("pause")).toBe("409 VM_ALREADY_PAUSED");
    expect(await code("resume")).toBe("vm.resume");
    expect(await code("stop")).toBe("vm.stop");
    expect(await code("reset")).toBe("409 VM_NOT_RUNNING");

    const { body } = await user.get(`/operations?vmId=${id}&sort=createdAt`);
    expect(body.data.operations.map((operation: { kind: string }) => operation.kind)).toEqual([
      ...["vm.create", "vm.start", "vm.pause", "vm.resume", "vm.stop"],
    ]);
    // What it shows belongs to the operation whose turn it is.
    expect((await user.get(`/vms/${id}`)).body.data).toMatchObject({
      status: "creating",
      operation: { kind: "vm.create" },
    });
  });

  it("that race on one machine are accepted once", async () => {
    const { id } = (await user.post("/vms", machine("race"))).body.data;
    const answers = await Promise.all(Array.from({ length: 10 }, () => user.post(`/vms/${id}/start`)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error?.code === "VM_ALREADY_RUNNING")).toHaveLength(9);
  });

  it("delete a running machine with force only, and then nothing more", async () => {
    const { id } = (await user.post("/vms", machine("doomed", { start: true }))).body.data;
    expect(await user.request("DELETE", `/vms/${id}`)).toMatchObject({
      status: 409,
      body: { error: { code: "VM_RUNNING" } },
    });
    expect(await user.request("DELETE", `/vms/${id}?force=true`)).toMatchObject({
      status: 202,
      body: { data: { kind: "vm.delete" } },
    });
    expect(await user.post(`/vms/${id}/start`)).toMatchObject({
      status: 409,
      body: { error: { code: "VM_DELETING" } },
    });
  });

  it("never delete a protected machine", async () => {
    const { id } = (await user.post("/vms", machine("guarded", { protected: true }))).body.data;
    const answer = await user.request("DELETE", `/vms/${id}?force=true`);
    expect(answer).toMatchObject({ status: 409, body: { error: { code: "VM_PROTECTED" } } });
  });

  it("wait in a queue that has an end", async () => {
    const { id } = (await user.post("/vms", machine("impatient", { start: true }))).body.data;
    const codes = [];
    for (let n = 0; n < 40; n++) codes.push((await user.post(`/vms/${id}/reset`)).body.error?.code ?? "accepted");
    expect(codes.filter((code) => code === "accepted")).toHaveLength(31);
    expect(codes.at(-1)).toBe("TOO_MANY_OPERATIONS");
  });

  it.each([
    ["stop", { force: "yes" }, "force"],
    ["stop", { timeout: 0 }, "timeout"],
    ["restart", { mode: "hard" }, "mode"],
    ["start", { now: true }, "now"],
  ])("%s with %j is a 400", async (action, body, path) => {
    const answer = await user.post(`/vms/vm-1/${action}`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { fields: [{ path }] } } });
  });
});

describe("quotas and room", () => {
  it("give a user of the free plan five machines, however many creations race", async () => {
    const free = await Client.as("user", "free");
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => free.post("/vms", machine(`race-${n}`))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ body }) => body.error?.code === "QUOTA_EXCEEDED")).toHaveLength(45);
    expect((await free.get("/vms")).body.data.pagination.total).toBe(5);
  });

  it("never promise a host's last place twice", async () => {
    const hostId = await addHost({ capacityMemory: 1000 });
    const create = (n: number) => admin.post("/vms", machine(`place-${n}`, { hostId, memory: 400 }));
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => create(n)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(
      answers.filter(({ status, body }) => status === 507 && body.error.code === "INSUFFICIENT_CAPACITY"),
    ).toHaveLength(8);
  });

  it("answer 503 with a time to come back where the host is offline", async () => {
    const hostId = await addHost({ status: "offline" });
    const answer = await admin.post("/vms", machine("nowhere", { hostId }));
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "HOST_OFFLINE" } } });
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
  });
});

describe("images, hosts and the system", () => {
  it("list the catalogue, with tiny that needs no download", async () => {
    const { body } = await user.get("/images");
    expect(body.data.images).toContainEqual(expect.objectContaining({ os: "tiny", url: null }));
    expect(body.data.images.map((image: { os: string }) => image.os)).toContain("ubuntu20.04");
    expect((await user.get("/images/img-ubuntu20.04")).body.data.url).toMatch(/^https:\/\/cloud-images.ubuntu.com\//);
    expect((await user.get("/images/img-none")).status).toBe(404);
  });

  it("show hosts to administrators alone, and a token once", async () => {
    expect((await user.get("/hosts")).status).toBe(403);
    expect((await user.post("/hosts", { name: "mine" })).status).toBe(403);
    const { status, body } = await admin.post("/hosts", { name: "rack-1" });
    expect(status).toBe(201);
    expect(body.data.host).toMatchObject({ name: "rack-1", status: "pending", facts: null });
    expect(body.data.enrolment.command).toContain(body.data.enrolment.token);
    const again = await admin.get(`/hosts/${body.data.host.id}`);
    expect(JSON.stringify(again.body)).not.toContain(body.data.enrolment.token);
    expect((await admin.post("/hosts", { name: "rack-1" })).body.error.code).toBe("NAME_TAKEN");
  });

  it("count what there is", async () => {
    const { body } = await user.get("/system/info");
    expect(body.data).toMatchObject({ apiVersion: "v1", hosts: { online: expect.any(Number) } });
    expect(body.data.vms.byStatus.creating).toBeGreaterThan(0);
  });

  it("have one first administrator, who is on no plan", async () => {
    const { results } = await env.DB.prepare("SELECT plan FROM users WHERE username = 'admin'").all();
    expect(results).toEqual([{ plan: "none" }]);
  });
});
