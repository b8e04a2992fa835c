/**
 * A viewer of RFB 3.8 (RFC 6143) for tests: handshake, raw rectangles, keys. It keeps the whole screen.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";

export class RfbClient {
  width = 0;
  height = 0;
  name = "";
  /** 4 bytes a pixel. */
  screen: Buffer = Buffer.alloc(0);
  /** Updates of the screen so far. */
  updates = 0;
  readonly #socket: WebSocket;
  #buffer: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #closed = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Shakes hands. `shared` false asks to be the only viewer. */
  static async on(socket: WebSocket, shared = true): Promise<RfbClient> {
    const client = new RfbClient(socket);
    const version = (await client.#read(12)).toString("latin1");
    if (!version.startsWith("RFB 003.")) throw new Error(`Not RFB: ${version}`);
    client.#send(Buffer.from("RFB 003.008\n"));
    const [count = 0] = await client.#read(1);
    const types = await client.#read(count);
    if (!types.includes(1)) throw new Error(`It wants a password: ${types.toString("hex")}`);
    client.#send(Buffer.from([1]));
    if ((await client.#read(4)).readUInt32BE() !== 0) throw new Error("Refused");
    client.#send(Buffer.from([shared ? 1 : 0]));
    const init = await client.#read(24);
    client.name = (await client.#read(init.readUInt32BE(20))).toString("utf8");
    client.#resize(init.readUInt16BE(0), init.readUInt16BE(2));
    // 32 bits a pixel, little endian, 8 bits a colour; raw rectangles, and to be told of another size.
    client.#send(Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]));
    client.#send(Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21]));
    void client.#listen().catch(() => {});
    return client;
  }

  /** Asks for the screen, whole or what has changed, and waits for it. */
  async refresh(incremental = false): Promise<Buffer> {
    const before = this.updates;
    const size = Buffer.alloc(10);
    size.writeUInt8(3, 0);
    size.writeUInt8(incremental ? 1 : 0, 1);
    size.writeUInt16BE(this.width, 6);
    size.writeUInt16BE(this.height, 8);
    this.#send(size);
    const deadline = Date.now() + 60_000;
    while (this.updates === before) {
      if (Date.now() > deadline || this.#closed) throw new Error("The screen did not come");
      await sleep(20);
    }
    return this.screen;
  }

  /** Presses and releases a key by its X keysym. */
  press(keysym: number): void {
    for (const down of [1, 0]) {
      const message = Buffer.from([4, down, 0, 0, 0, 0, 0, 0]);
      message.writeUInt32BE(keysym, 4);
      this.#send(message);
    }
  }

  async #listen(): Promise<void> {
    for (;;) {
      const [type] = await this.#read(1);
      if (type === 0) await this.#update();
      // Bell has no more; what is cut has a length.
      else if (type === 3) await this.#read((await this.#read(7)).readUInt32BE(3));
      else if (type !== 2) throw new Error(`Message ${type} was not asked for`);
    }
  }

  async #update(): Promise<void> {
    const count = (await this.#read(3)).readUInt16BE(1);
    for (let n = 0; n < count; n++) {
      const head = await this.#read(12);
      const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [number, number, number, number];
      if (head.readInt32BE(8) === -223) {
        this.#resize(width, height);
        continue;
      }
      for (let row = 0; row < height; row++) {
        (await this.#read(width * 4)).copy(this.screen, ((y + row) * this.width + x) * 4);
      }
    }
    this.updates++;
  }

  #resize(width: number, height: number): void {
    [this.width, this.height] = [width, height];
    this.screen = Buffer.alloc(width * height * 4);
  }

  #send(message: Buffer): void {
    this.#socket.send(message);
  }

  async #read(bytes: number): Promise<Buffer> {
    while (this.#buffer.length < bytes) {
      if (this.#closed) throw new Error(`Closed while ${bytes} bytes were expected`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const read = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return read;
  }
}
