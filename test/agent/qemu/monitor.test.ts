/** A monitor whose connection breaks, before a process that is real and stands for QEMU. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HostPaths } from "../../../agent/paths.ts";
import { Monitor } from "../../../agent/qemu/monitor.ts";
import { readProcess } from "../../e2e/processes.ts";
import { FakeQmpServer } from "../../fakes/qmp-server.ts";

let folder: string;
let child: ChildProcess;
let server: FakeQmpServer;
let monitor: Monitor;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "voidvm-monitor-"));
  child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  server = await FakeQmpServer.listen(join(folder, "qmp.sock"));
  const { pid, startTicks } = readProcess(child.pid ?? 0) ?? expect.unreachable();
  monitor = await Monitor.of(
    { pid, startTicks },
    { ...new HostPaths(folder, folder).vm(`vm-${"0".repeat(26)}`), qmp: server.path },
  );
});

afterEach(async () => {
  monitor.release();
  child.kill("SIGKILL");
  await server.close();
  await rm(folder, { recursive: true });
});

it("is connected to again when its connection breaks and the process lives", async () => {
  let gone = false;
  monitor.on("gone", () => (gone = true));
  await server.close();
  await expect(monitor.execute("query-status")).rejects.toMatchObject({ code: "QEMU_FAILED" });
  server = await FakeQmpServer.listen(server.path);

  await expect.poll(() => monitor.execute("query-status").catch(() => "lost"), { timeout: 15_000 }).toEqual({});
  expect(gone).toBe(false);
  const events: string[] = [];
  monitor.on("event", ({ event }) => events.push(event));
  server.send('{"event":"STOP"}\n');
  await expect.poll(() => events).toEqual(["STOP"]);
});

it("is gone when the process is", async () => {
  const gone = once(monitor, "gone");
  child.kill("SIGKILL");
  await server.close();

  expect(await gone).toEqual([]);
});

it("says nothing any more once it is released", async () => {
  monitor.on("gone", () => expect.unreachable("gone"));
  monitor.on("event", () => expect.unreachable("event"));
  monitor.release();
  server.send('{"event":"STOP"}\n');
  child.kill("SIGKILL");
  await once(child, "exit");

  await expect(monitor.execute("query-status")).rejects.toMatchObject({ code: "QEMU_FAILED" });
});
