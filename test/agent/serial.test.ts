/** A serial console against QEMU's part of it: a unix socket that serves one client, and a log. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HostPaths } from "../../agent/paths.ts";
import { ByteRing } from "../../agent/serial/byte-ring.ts";
import { overlap } from "../../agent/serial/overlap.ts";
import { SerialConsole } from "../../agent/serial/serial-console.ts";
import type { SerialReader } from "../../agent/serial/serial-reader.ts";
import type { StreamControl } from "../../protocol/streams.ts";

const vmId = `vm-${"0".repeat(26)}`;
let folder: string;
let port: SerialPort;
let terminal: SerialConsole;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-serial-"));
  const paths = new HostPaths(join(folder, "home"), join(folder, "run")).vm(vmId);
  mkdirSync(paths.dir, { recursive: true });
  mkdirSync(paths.sockets, { recursive: true });
  port = await SerialPort.listen(paths.serial, paths.serialLog);
  terminal = new SerialConsole(paths);
});

afterEach(async () => {
  await port.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a serial console", () => {
  it("begins with what the port has said before, and goes on without gap or double", async () => {
    port.say("before ");
    const first = new Watcher(await terminal.attach("if-free"));
    port.say("after ");
    await first.shows("before after ");
    const second = new Watcher(await terminal.attach("if-free"));
    port.say("both");
    await first.shows("before after both");
    await second.shows("before after both");
    expect(port.clients).toBe(1);
  });

  it("shows no question of the past to a terminal that would answer it now", async () => {
    port.say("\u001b[6n$ \u001b[1mbold\u001b[c");
    const watcher = new Watcher(await terminal.attach("if-free"));
    port.say("\u001b[6n");
    await watcher.shows("$ \u001b[1mbold\u001b[6n");
    expect(watcher.ended).toBe(false);
  });

  it("gives the right to write to one of its readers, and to who takes it over", async () => {
    const [first, second, viewer] = [
      new Watcher(await terminal.attach("if-free")),
      new Watcher(await terminal.attach("if-free")),
      new Watcher(await terminal.attach("never")),
    ];
    expect([first, second, viewer].map(({ reader }) => reader.mayWrite)).toEqual([true, false, false]);
    first.reader.write("1");
    second.reader.write("2");
    viewer.reader.takeOver();
    second.reader.takeOver();
    second.reader.write("3");
    first.reader.write("4");
    expect(await port.hears("13")).toBe("13");
    expect(first.controls).toEqual([{ type: "writer", writable: false }]);
    expect(second.controls).toEqual([{ type: "writer", writable: true }]);
    expect(viewer.controls).toEqual([]);
  });

  it("hands the right of a writer who leaves to who asked last, else to the oldest reader that may", async () => {
    const viewer = new Watcher(await terminal.attach("never"));
    const oldest = new Watcher(await terminal.attach("if-free"));
    const asked = new Watcher(await terminal.attach("take-over"));
    const writer = new Watcher(await terminal.attach("take-over"));
    writer.reader.destroy();
    await vi.waitFor(() => expect(asked.reader.mayWrite).toBe(true), 10_000);
    asked.reader.destroy();
    await vi.waitFor(() => expect(oldest.reader.mayWrite).toBe(true), 10_000);
    expect(viewer.reader.mayWrite).toBe(false);
  });

  it("tells a reader that is too slow how much it has missed, while the others go on", async () => {
    const slow = await terminal.attach("never");
    const gaps: StreamControl[] = [];
    slow.onControl((message) => gaps.push(message));
    const fast = new Watcher(await terminal.attach("if-free"));
    const block = "x".repeat(65_536);
    let said = 0;
    for (; said < 16; said++) {
      port.say(block);
      await fast.shows(block.repeat(said + 1));
    }
    const late = new Watcher(slow, gaps);
    await vi.waitFor(() => expect(gaps).toHaveLength(1), 10_000);
    const missed = gaps[0]?.type === "gap" ? gaps[0].bytes : 0;
    await vi.waitFor(() => expect(late.text.length).toBe(said * block.length - missed), 10_000);
    expect(missed).toBeGreaterThan(700_000);
  });

  it("holds the port only while somebody reads, and shows later readers what was said meanwhile", async () => {
    const first = new Watcher(await terminal.attach("if-free"));
    first.reader.destroy();
    await vi.waitFor(() => expect(port.connected).toBe(false), 10_000);
    port.say("alone");
    const second = new Watcher(await terminal.attach("if-free"));
    await second.shows("alone");
    second.reader.destroy();
    const third = new Watcher(await terminal.attach("if-free"));
    third.reader.write("heard");
    expect(await port.hears("heard")).toBe("heard");
    expect(port.clients).toBe(3);
  });

  it("ends with the machine, after the last byte", async () => {
    const watcher = new Watcher(await terminal.attach("if-free"));
    port.say("goodbye");
    await port.close();
    await vi.waitFor(() => expect(watcher.ended).toBe(true), 10_000);
    expect(watcher.text).toBe("goodbye");
    await expect(terminal.attach("if-free")).rejects.toMatchObject({ code: "QEMU_FAILED" });
  });
});

it("the ring keeps the last bytes, wherever they were cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.uint8Array({ maxLength: 50 })), (capacity, chunks) => {
      const ring = new ByteRing(capacity);
      for (const chunk of chunks) ring.append(chunk);
      const all = Buffer.concat(chunks);
      expect(ring.end).toBe(all.length);
      expect(ring.read(ring.start, capacity).equals(all.subarray(Math.max(0, all.length - capacity)))).toBe(true);
    }),
  );
});

it("the overlap of two pieces is the longest end of one with which the other begins", () => {
  const bytes = fc.array(fc.constantFrom(1, 2), { maxLength: 12 }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(bytes, bytes, (earlier, next) => {
      const lengths = Array.from({ length: Math.min(earlier.length, next.length) + 1 }, (_, length) => length);
      const fits = (length: number) =>
        Buffer.compare(earlier.subarray(earlier.length - length), next.subarray(0, length)) === 0;
      expect(overlap(earlier, next)).toBe(Math.max(...lengths.filter(fits)));
    }),
  );
});

/** QEMU's side: sends to its one client, then writes the log. */
class SerialPort {
  clients = 0;
  readonly #server: Server;
  readonly #log: string;
  #client: Socket | null = null;
  #heard = "";

  private constructor(server: Server, log: string) {
    this.#server = server;
    this.#log = log;
    server.on("connection", (socket) => {
      this.clients++;
      this.#client = socket;
      socket.on("data", (chunk) => (this.#heard += chunk.toString()));
      socket.on("close", () => {
        if (this.#client === socket) this.#client = null;
      });
    });
  }

  static async listen(path: string, log: string): Promise<SerialPort> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return new SerialPort(server, log);
  }

  get connected(): boolean {
    return this.#client !== null;
  }

  say(text: string): void {
    this.#client?.write(text);
    appendFileSync(this.#log, text);
  }

  async hears(text: string): Promise<string> {
    await vi.waitUntil(() => this.#heard.length >= text.length, { timeout: 10_000 });
    await sleep(20);
    return this.#heard;
  }

  async close(): Promise<void> {
    this.#client?.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

class Watcher {
  readonly reader: SerialReader;
  readonly controls: StreamControl[];
  text = "";
  ended = false;

  constructor(reader: SerialReader, controls: StreamControl[] = []) {
    this.reader = reader;
    this.controls = controls;
    reader.onControl((message) => controls.push(message));
    reader.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    reader.on("end", () => (this.ended = true));
  }

  async shows(text: string): Promise<void> {
    await vi.waitUntil(() => this.text === text, { timeout: 10_000 });
  }
}
