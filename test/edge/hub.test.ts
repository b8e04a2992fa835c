/** Users' sockets on `/ws`: who gets in, what they are told, and that it is told once, whatever happens in between. */
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { hosted, report } from "./agent.ts";
import { Client } from "./client.ts";
import { openSocket, Socket } from "./socket.ts";

const bindings = env as unknown as Env;
let admin: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
});

describe("a socket", () => {
  it("is opened by a token in the address, in a header, by a ticket and by its first message", async () => {
    const user = await Client.as("user");
    const { ticket } = (await user.post("/auth/ws-ticket", {})).body.data;
    const opened = [
      await openSocket(`?token=${user.token}`),
      await openSocket("", { Authorization: `Bearer ${user.token}` }),
      await openSocket(`?ticket=${ticket}`),
    ];
    for (const { socket } of opened) expect((await socket?.ask("ping")).type).toBe("pong");
    const { socket } = await openSocket();
    expect(await socket?.ask("auth", { token: user.token })).toMatchObject({ type: "auth", data: { userId: user.id } });
    expect((await socket?.ask("ping")).type).toBe("pong");
  });
});

describe("a subscription", () => {
  it("tells the present state at once, and then every change", async () => {
    const { agent, id } = await hosted(admin, "watched");
    const socket = await Socket.of(admin);
    expect(await socket.subscribe({ topic: "vm-status", vmId: "watched" })).toMatchObject({ type: "subscribe" });
    expect(await socket.heard("vm-status")).toMatchObject({ vmId: id, name: "watched", status: "stopped" });
    agent.onExecute = (order) => agent.done(order, report(id, "running"));
    await admin.post(`/vms/${id}/start`);
    await socket.heard("vm-status", 3);
    expect(socket.all("vm-status").map(({ status }) => status)).toEqual(["stopped", "starting", "running"]);
  });
  it("controls", async () => {
    const { agent, id } = await hosted(admin, "controlled");
    const socket = await Socket.of(admin);
    agent.onExecute = (order) => agent.done(order, report(id, "running"));
    expect(await socket.ask("vm-control", { vmId: id, action: "start" })).toMatchObject({
      data: { status: "success" },
    });
    expect(await socket.ask("vm-control", { vmId: id, action: "start" })).toMatchObject({
      data: { status: "error", error: { code: "VM_ALREADY_RUNNING" } },
    });
  });
});
