/** The edge as a process of its own, with the real Worker in the real workerd. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { addressesFor, canListen } from "../../../scripts/edge/addresses.ts";
import { descendants, type ProcessInfo, readProcess } from "../../e2e/processes.ts";
import { freePort } from "../../free-port.ts";

const project = join(import.meta.dirname, "../../..");
/** Of all tests but those of a first start, which takes the longest. */
const home = mkdtempSync(join(tmpdir(), "voidvm-edge-"));
let port: number;

beforeEach(async () => {
  port = await freePort();
});
afterAll(() => rmSync(home, { recursive: true }));

interface Message {
  readonly type: "ready" | "admin" | "refused";
  readonly reason?: string;
  readonly defaultPassword?: boolean;
}

async function start(env: NodeJS.ProcessEnv = {}) {
  const edge = spawn(process.execPath, ["scripts/edge-main.ts"], {
    cwd: project,
    env: { ...process.env, VOIDVM_HOME: home, PORT: String(port), ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void edge.kill("SIGKILL"));
  const [message] = (await once(edge, "message")) as [Message];
  return { edge, message };
}

function workerdOf(edge: ChildProcess): ProcessInfo {
  const found = descendants(edge.pid ?? 0).find(({ command }) => command[0]?.endsWith("/workerd"));
  if (!found) throw new Error("The edge has no workerd");
  return found;
}

async function statusOf(address: string, path: string): Promise<number> {
  const response = await fetch(`http://${address.includes(":") ? `[${address}]` : address}:${port}${path}`);
  await response.body?.cancel();
  return response.status;
}

describe("the edge's process", { timeout: 60_000 }, () => {
  it("answers when it says so, over IPv4 and IPv6, and keeps its state", async () => {
    const { edge, message } = await start();
    expect(message).toEqual({ type: "ready" });
    for (const address of await addressesFor(undefined)) {
      for (const path of ["/api/v1/health", "/docs", "/docs/docs.css", "/install.sh", "/release/manifest"]) {
        expect([address, path, await statusOf(address, path)]).toEqual([address, path, 200]);
      }
    }
    edge.kill("SIGTERM");
    await once(edge, "exit");

    const again = await start();
    const [admin] = (await once(again.edge, "message")) as [Message];
    expect(admin).toMatchObject({ type: "admin", defaultPassword: true, admin: { username: "admin" } });
  });

  it("takes workerd with it and frees the port when it is killed", async () => {
    const { edge } = await start();
    const workerd = workerdOf(edge);
    edge.kill("SIGKILL");

    await vi.waitFor(() => expect(readProcess(workerd.pid)).toBeNull(), 15_000);
    await vi.waitFor(async () => expect(await canListen("127.0.0.1", port)).toBeNull(), 15_000);
  });

  it.each([
    ["SIGTERM", (edge: ChildProcess) => void edge.kill("SIGTERM")],
    ["its parent's end", (edge: ChildProcess) => edge.disconnect()],
  ])("ends within seconds on %s while a client is connected, and leaves no temporary files", async (_how, end) => {
    const { edge } = await start();
    const workerd = workerdOf(edge);
    const client = connect(port, "127.0.0.1");
    onTestFinished(() => void client.destroy());
    client.on("error", () => {});
    client.write("GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(client, "data");
    end(edge);

    const [code] = await once(edge, "exit", { signal: AbortSignal.timeout(20_000) });
    expect(code).toBe(0);
    expect(readProcess(workerd.pid)).toBeNull();
    expect(await canListen("127.0.0.1", port)).toBeNull();
    expect(readdirSync(join(home, "edge-tmp"))).toEqual([]);
  });

  it("gives workerd as many files as this machine allows", async () => {
    const { edge } = await start();
    const limits = readFileSync(`/proc/${workerdOf(edge).pid}/limits`, "utf8");
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
    expect(soft).toBe(hard);
  });

  it("does not listen beyond loopback while the administrator has no password or the default one", async () => {
    const own = { VOIDVM_HOME: mkdtempSync(join(home, "own-")) };
    const first = await start({ ...own, VOIDVM_BIND: "0.0.0.0" });
    expect(first.message).toMatchObject({ type: "refused", reason: expect.stringContaining("VOIDVM_ADMIN_PASSWORD") });
    expect(await once(first.edge, "exit")).toEqual([78, null]);

    const onLoopback = await start(own);
    onLoopback.edge.kill("SIGTERM");
    await once(onLoopback.edge, "exit");

    const second = await start({ ...own, VOIDVM_BIND: "0.0.0.0", VOIDVM_ADMIN_PASSWORD: "a better one" });
    expect(second.message).toMatchObject({ type: "refused", reason: expect.stringContaining("default password") });
    expect(await canListen("0.0.0.0", port)).toBeNull();
  });
});
