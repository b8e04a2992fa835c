/** One real guest and what the agent reaches of it: its screen and keyboard, serial console, shell over SSH, samples. */
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeSeed } from "../../agent/cloud-init.ts";
import { createLinkedDisk } from "../../agent/disks.ts";
import type { ImageStore } from "../../agent/images.ts";
import { Sampler } from "../../agent/metrics/sampler.ts";
import type { Host } from "../../agent/operations/operation.ts";
import { openSerial } from "../../agent/streams/serial.ts";
import { openSsh } from "../../agent/streams/ssh.ts";
import type { StreamEnd } from "../../agent/streams/stream-end.ts";
import { openTcp } from "../../agent/streams/tcp.ts";
import { openVnc } from "../../agent/streams/vnc.ts";
import { buildTinyImage, defaultCache } from "../../agent/tiny-image/build.ts";
import { VmTable } from "../../agent/vm-table.ts";
import type { HostSample, VmSample } from "../../protocol/samples.ts";
import type { StreamControl } from "../../protocol/streams.ts";
import { untilQuiet } from "../quiet.ts";
import { RfbClient } from "../rfb-client.ts";
import { TestHost, testSpec } from "./test-host.ts";

const run = promisify(execFile);
const vmId = `vm-${"1".repeat(26)}`;
const password = "se:cret \\1";

// For what takes a second on a quiet machine.
vi.setConfig({ testTimeout: 120_000 });

let test: TestHost;
let vms: VmTable;
let host: Host;
let key: string;

beforeAll(async () => {
  test = new TestHost();
  const { paths, folder } = test;
  const image = process.env["VOIDVM_TEST_TINY"] ?? join(folder, "tiny.qcow2");
  if (!process.env["VOIDVM_TEST_TINY"]) await buildTinyImage({ output: image, cache: defaultCache });
  const file = join(folder, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", file]);
  key = readFileSync(file, "utf8");

  vms = new VmTable({ paths, accelerator: "tcg", acceleratorReason: "a test", bootId: "boot", log: () => {} });
  host = { paths, vms, images: {} as ImageStore };
  await vms.add(vmId, 1, testSpec);
  const { disk, seed } = paths.vm(vmId);
  await createLinkedDisk({ base: image, baseFormat: "qcow2", path: disk, sizeGib: 1 });
  const sshKeys = [readFileSync(`${file}.pub`, "utf8").trim()];
  await writeSeed({ path: seed, vmId, hostname: "guest", cloudInit: { user: "demo", password, sshKeys } });
  await vms.start(vmId);
  const console = new Terminal(await openSerial({ kind: "serial", vmId, write: "never" }, host));
  await console.shows(/guest login: $/);
  console.close();
}, 300_000);

afterAll(async () => {
  vms.close();
  await test.dispose();
});

describe("the serial console", () => {
  it("shows what was said before, and lets its writer log in", async () => {
    const first = new Terminal(await openSerial({ kind: "serial", vmId, write: "if-free" }, host));
    await first.shows(/TINY READY[^]*guest login: $/);
    first.type("demo\r");
    await first.shows(/Password: $/);
    first.type(`${password}\r`);
    await first.shows(/demo@guest:~\$ /);
    first.type("echo $((6 * 7))\n");
    await first.shows(/\n42\r\n/);

    const second = new Terminal(await openSerial({ kind: "serial", vmId, write: "take-over" }, host));
    await second.shows(/\n42\r\n/);
    expect(first.controls).toEqual([{ type: "writer", writable: false }]);
    second.type("exit\n");
    await first.shows(/login: $/);
    second.close();
    await vi.waitFor(() => expect(first.controls).toContainEqual({ type: "writer", writable: true }), 60_000);
    first.close();
  });
});

describe("the screen", () => {
  it("gets what a viewer pastes typed, letter by letter", async () => {
    const { stream } = await openVnc({ kind: "vnc", vmId, viewOnly: false }, host);
    const screen = new RfbClient((bytes) => stream.write(bytes));
    stream.on("data", (chunk: Buffer) => screen.receive(chunk));
    await screen.picture();
    const witness = new Terminal(await openShell({ password }));
    witness.type("until [ -s typed ]; do sleep 1; done; cat typed; exit\n");
    // A slow guest may ask for the password later than this: what comes too early is lost, and the next try is better.
    for (let patienceMs = 4_000; !witness.text.includes("OK"); patienceMs *= 2) {
      screen.cutText("demo\n");
      await sleep(patienceMs);
      screen.cutText(`${password}\n`);
      await sleep(patienceMs);
      screen.cutText("echo 'Typed: {OK} ~!@#$%^&*()_+|<>?' >typed\n");
      await sleep(patienceMs);
    }
    expect(await witness.shows(/exit[^]*Typed: \{OK\} ~!@#\$%\^&\*\(\)_\+\|<>\?/)).toContain("Typed: {OK}");
    stream.destroy();
  });

  it("shows other pixels after a text is typed, and none after what a viewer types who may only look", async () => {
    const writer = await openVnc({ kind: "vnc", vmId, viewOnly: false }, host);
    const looker = await openVnc({ kind: "vnc", vmId, viewOnly: true }, host);
    expect([writer.writable, looker.writable]).toEqual([true, false]);
    const screen = new RfbClient((bytes) => writer.stream.write(bytes));
    const other = new RfbClient((bytes) => looker.stream.write(bytes));
    writer.stream.on("data", (chunk: Buffer) => screen.receive(chunk));
    looker.stream.on("data", (chunk: Buffer) => other.receive(chunk));
    await other.picture();
    let before = await screen.picture();
    // A slow guest may still be at what was typed before.
    for (let earlier: Buffer | null = null; earlier === null || !isSame(earlier, before);) {
      earlier = before;
      await sleep(1_000);
      before = await screen.picture();
    }

    other.key(0x78);
    looker.control?.({ type: "text", text: "xxxxxxxx" });
    await sleep(1_000);
    expect(isSame(before, await screen.picture())).toBe(true);

    const untyped: StreamControl[] = [];
    writer.onControl?.((message) => untyped.push(message));
    writer.control?.({ type: "text", text: "Ab{}é\n" });
    await vi.waitFor(async () => expect(isSame(before, await screen.picture())).toBe(false), {
      timeout: 60_000,
      interval: 300,
    });
    expect(untyped).toEqual([{ type: "untyped", characters: "é" }]);
    writer.stream.destroy();
    looker.stream.destroy();
  });
});

describe("a port", () => {
  it("is reached every time that something listens, and never where nothing does", async () => {
    for (let round = 0; round < 40; round++) {
      (await openTcp({ kind: "tcp", vmId, port: 80 }, host)).stream.destroy();
      await expect(openTcp({ kind: "tcp", vmId, port: 81 }, host)).rejects.toMatchObject({ code: "PORT_CLOSED" });
    }
  });
});

describe("a shell over SSH", () => {
  it("opens by password, is as large as asked for, and changes its size", async () => {
    const end = await openShell({ password });
    const shell = new Terminal(end);
    shell.type("stty size; echo $TERM\n");
    await shell.shows(/\n30 100\r\nxterm-256color\r\n/);
    end.control?.({ type: "resize", cols: 132, rows: 43 });
    shell.type("stty size\n");
    await shell.shows(/\n43 132\r\n/);
    shell.type("exit\n");
    await vi.waitFor(() => expect(shell.closed).toBe(true), { timeout: 60_000 });
  });

  it("opens by key with its passphrase", async () => {
    const shell = new Terminal(await openShell({ privateKey: key, passphrase: "a passphrase" }));
    shell.type("id -un\n");
    expect(await shell.shows(/\ndemo\r\n/)).toContain("demo");
    shell.close();
  });

  it("refuses in clear words that hold nothing of the credentials", async () => {
    const secret = "wrong-secret-words";
    const failures = await Promise.all(
      [{ password: secret }, { privateKey: key, passphrase: secret }, { privateKey: secret }].map((credentials) =>
        openShell(credentials)
          .then(() => null)
          .catch((error: Error) => error),
      ),
    );
    expect(failures.map((failure) => (failure as Error & { code: string }).code)).toEqual([
      ...["SSH_AUTH_FAILED", "SSH_KEY_INVALID", "SSH_KEY_INVALID"],
    ]);
    for (const failure of failures) expect(`${failure?.stack} ${JSON.stringify(failure)}`).not.toContain(secret);
  });

  it("knows the guest's host key again, refuses another one, and takes the one that is named", async () => {
    const { sshHostKey } = test.paths.vm(vmId);
    const known = readFileSync(sshHostKey, "utf8");
    expect(known).not.toContain(password);
    const { generation, key: right } = JSON.parse(known) as { generation: number; key: string };
    const other = Buffer.from(right, "base64");
    other[other.length - 1] = (other.at(-1) as number) ^ 1;
    writeFileSync(sshHostKey, JSON.stringify({ generation, key: other.toString("base64") }));

    const failure = await openShell({ password }).catch((error: Error & { code: string }) => error);
    expect(failure).toMatchObject({ code: "HOST_KEY_CHANGED" });
    const fingerprint = /key is (SHA256:\S{43}),/.exec((failure as Error).message)?.[1];
    await expect(openShell({ password, hostKey: `SHA256:${"A".repeat(43)}` })).rejects.toMatchObject({
      code: "HOST_KEY_CHANGED",
    });
    new Terminal(await openShell({ password, hostKey: fingerprint })).close();
    new Terminal(await openShell({ password })).close();
    expect(readFileSync(sshHostKey, "utf8")).toBe(known);

    // Made anew under the same id, it is another machine.
    writeFileSync(sshHostKey, JSON.stringify({ generation: 2, key: other.toString("base64") }));
    new Terminal(await openShell({ password })).close();
  });
});

describe("samples", () => {
  it("come at the interval that was ordered, from the guest and the host, and end with the order", async () => {
    const taken: { vms: VmSample[]; host: HostSample | null }[] = [];
    const sampler = new Sampler({ host, send: (samples) => taken.push(samples), log: () => {} });
    sampler.watch({ vms: [{ vmId, intervalMs: 1_000 }], hostIntervalMs: 1_000 });
    const ofVm = () => taken.flatMap(({ vms }) => vms);
    await vi.waitFor(() => expect(ofVm().some(({ network }) => network !== null)).toBe(true), { timeout: 60_000 });
    const shell = new Terminal(await openShell({ password }));
    shell.type(
      "head -c 300000 /dev/zero | tr '\\0' x; dd if=/dev/zero of=x bs=1M count=2 conv=fsync; while :; do :; done\n",
    );
    await vi.waitFor(
      () => {
        expect(ofVm().some(({ network }) => (network?.tx ?? 0) > 10_000)).toBe(true);
        expect(ofVm().some(({ disk }) => disk.write > 100_000)).toBe(true);
        expect(ofVm().some(({ cpu }) => cpu.usage > 20)).toBe(true);
      },
      { timeout: 60_000, interval: 200 },
    );
    shell.type("\u0003");
    shell.close();
    const sample = ofVm().at(-1) as VmSample;
    expect(sample).toMatchObject({ vmId, cpu: { cores: 1 }, memory: { total: 128 } });
    // What the guest says, which is less than QEMU takes.
    expect(sample.memory.used).toBeGreaterThan(5);
    expect(sample.memory.used).toBeLessThan(100);
    expect(taken.some(({ host }) => host !== null && host.memory.used > 0)).toBe(true);

    sampler.stop();
    await untilQuiet(() => taken.length, 2_500);
    const property = { path: "/machine/peripheral/balloon0", property: "guest-stats-polling-interval" };
    expect(await vms.running(vmId).qmp("qom-get", property)).toBe(0);
    rmSync(join(test.folder, "key"));
  });
});

function openShell(credentials: object): Promise<StreamEnd> {
  return openSsh({ kind: "ssh", vmId, cols: 100, rows: 30, credentials: { username: "demo", ...credentials } }, host);
}

/** The cursor blinks in the line where the next letter comes; a picture that differs in more than that has changed. */
function isSame(one: Buffer, other: Buffer): boolean {
  let differing = 0;
  for (let at = 0; at < one.length; at += 4) {
    if (one.readUInt32LE(at) !== other.readUInt32LE(at)) differing++;
  }
  return differing < 40;
}

class Terminal {
  readonly controls: StreamControl[] = [];
  text = "";
  closed = false;
  readonly #end: StreamEnd;

  constructor(end: StreamEnd) {
    this.#end = end;
    end.onControl?.((message) => this.controls.push(message));
    end.stream.on("data", (chunk: Buffer) => (this.text += chunk.toString("utf8")));
    end.stream.on("close", () => (this.closed = true));
  }

  type(text: string): void {
    this.#end.stream.write(text);
  }

  async shows(what: RegExp): Promise<string> {
    await vi.waitUntil(() => what.test(this.text), { timeout: 100_000, interval: 50 });
    return this.text;
  }

  close(): void {
    this.#end.stream.destroy();
  }
}
