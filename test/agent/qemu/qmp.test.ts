import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Qmp, QmpError, type QmpEvent, QmpLost } from "../../../agent/qemu/qmp.ts";
import { FakeQmpServer } from "../../fakes/qmp-server.ts";

let folder: string;
let server: FakeQmpServer;
let qmp: Qmp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "voidvm-qmp-"));
  server = await FakeQmpServer.listen(join(folder, "qmp.sock"));
  qmp = await Qmp.connect(server.path);
});

afterEach(async () => {
  qmp.close();
  await server.close();
  await rm(folder, { recursive: true });
});

describe("a command", () => {
  it("resolves with what QEMU returns", async () => {
    server.answer = () => ({ return: { status: "running" } });

    expect(await qmp.execute("query-status")).toEqual({ status: "running" });
  });

  it("carries its arguments, and none where none are given", async () => {
    await qmp.execute("block_resize", { "node-name": "disk0", size: 5 });
    await qmp.execute("stop");

    expect(server.commands.slice(1)).toEqual([
      { execute: "block_resize", arguments: { "node-name": "disk0", size: 5 }, id: 2 },
      { execute: "stop", id: 3 },
    ]);
  });

  it("gets its own answer when answers come in another order", async () => {
    const held: number[] = [];
    server.answer = ({ id }) => {
      held.push(id);
      return null;
    };
    const answers = Promise.all(["a", "b"].map((name) => qmp.execute<string>(name)));
    await expect.poll(() => held.length).toBe(2);
    server.send(
      held
        .toReversed()
        .map((id) => `${JSON.stringify({ return: `for ${id}`, id })}\n`)
        .join(""),
    );

    expect(await answers).toEqual(held.map((id) => `for ${id}`));
  });

  it("rejects with QEMU's class and description when QEMU refuses", async () => {
    server.answer = () => ({ error: { class: "CommandNotFound", desc: "The command nonsense has not been found" } });

    const error = await qmp.execute("nonsense").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({ qmpClass: "CommandNotFound", message: "The command nonsense has not been found" });
  });

  it("is lost after its deadline, and a late answer disturbs nobody", async () => {
    let late = 0;
    server.answer = ({ id, execute }) => {
      if (execute !== "slow") return { return: execute };
      late = id;
      return null;
    };

    await expect(qmp.execute("slow", undefined, 30)).rejects.toThrow("The monitor did not answer slow within 30 ms");
    server.send(`${JSON.stringify({ return: "late", id: late })}\n`);
    expect(await qmp.execute("next")).toBe("next");
  });

  it("is lost when the connection breaks in the middle of it, and so is every one after", async () => {
    server.answer = () => "close";

    await expect(qmp.execute("quit")).rejects.toBeInstanceOf(QmpLost);
    await expect(qmp.execute("query-status")).rejects.toBeInstanceOf(QmpLost);
  });

  it("is lost when the agent closes the connection", async () => {
    server.answer = () => null;
    const answer = qmp.execute("query-status");
    qmp.close();

    await expect(answer).rejects.toBeInstanceOf(QmpLost);
  });
});

describe("what the monitor sends", () => {
  it("is put together from pieces of any size", async () => {
    server.answer = ({ id }) => {
      for (const character of `{"return": "für ü", "id": ${id}}\r\n`) server.send(character);
      return null;
    };

    expect(await qmp.execute("query-status")).toBe("für ü");
  });

  it("becomes events in their order, between answers too", async () => {
    const events: QmpEvent[] = [];
    qmp.on("event", (event) => events.push(event));
    server.answer = () => {
      server.send(
        '{"event":"STOP","timestamp":{}}\n{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-shutdown"}}\n',
      );
      return { return: {} };
    };
    await qmp.execute("stop");

    expect(events).toEqual([
      { event: "STOP", data: {} },
      { event: "SHUTDOWN", data: { guest: true, reason: "guest-shutdown" } },
    ]);
  });

  it.for(["no JSON\n", "[1,\n", "null\n", '"text"\n'])("ends the connection when it is %j", async (garbage) => {
    const closed = new Promise((resolve) => qmp.once("close", () => resolve("closed")));
    server.send(garbage);

    expect(await closed).toBe("closed");
    await expect(qmp.execute("query-status")).rejects.toThrow("not a monitor");
  });

  it("ends the connection when a line has no end", async () => {
    const closed = new Promise((resolve) => qmp.once("close", () => resolve("closed")));
    for (let sent = 0; sent < 5; sent++) server.send("x".repeat(1_048_576));

    expect(await closed).toBe("closed");
  });

  it("is passed over when it answers nobody", async () => {
    server.send('{"return": 1, "id": 99}\n{"return": 2}\n\n{"error": {"class": "GenericError", "desc": "x"}}\n');

    expect(await qmp.execute("query-status")).toEqual({});
  });
});

describe("connecting", () => {
  it("is lost, with the socket's code, when nobody listens", async () => {
    await expect(Qmp.connect(join(folder, "none.sock"))).rejects.toMatchObject({ name: "QmpLost", code: "ENOENT" });
  });

  it("is lost when no greeting comes in time, as for a second client", async () => {
    const silent = await FakeQmpServer.listen(join(folder, "silent.sock"), { greets: false });

    await expect(Qmp.connect(silent.path, 30)).rejects.toThrow("did not answer within 30 ms");
    await silent.close();
  });

  it("is lost when the monitor hangs up before it has greeted", async () => {
    const silent = await FakeQmpServer.listen(join(folder, "silent.sock"), { greets: false });
    const connecting = Qmp.connect(silent.path);
    connecting.catch(() => {});
    await expect.poll(() => silent.clients).toBe(1);
    await silent.close();

    await expect(connecting).rejects.toBeInstanceOf(QmpLost);
  });
});
