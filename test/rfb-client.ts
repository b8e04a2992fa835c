/**
 * A small VNC client (RFB 3.8, RFC 6143): shakes hands, asks for raw pixels, presses keys. Fed and read through
 * functions, so that it works over any transport.
 */
export class RfbClient {
  width = 0;
  height = 0;
  readonly #send: (bytes: Buffer) => void;
  #received = Buffer.alloc(0);
  #step: "version" | "security" | "result" | "init" | "messages" = "version";
  #pixels = Buffer.alloc(0);
  readonly #ready = Promise.withResolvers<void>();
  #waiting: PromiseWithResolvers<Buffer> | null = null;

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
  }

  receive(chunk: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#takeOne());
  }

  /** The whole screen, four bytes a pixel. */
  async picture(): Promise<Buffer> {
    await this.#ready.promise;
    this.#waiting ??= Promise.withResolvers<Buffer>();
    const request = Buffer.alloc(10);
    request[0] = 3;
    request.writeUInt16BE(this.width, 6);
    request.writeUInt16BE(this.height, 8);
    this.#send(request);
    return this.#waiting.promise;
  }

  /** Down and up. */
  key(keysym: number): void {
    for (const down of [1, 0]) {
      const bytes = Buffer.alloc(8);
      bytes.set([4, down]);
      bytes.writeUInt32BE(keysym, 4);
      this.#send(bytes);
    }
  }

  cutText(text: string): void {
    const head = Buffer.alloc(8);
    head[0] = 6;
    head.writeUInt32BE(text.length, 4);
    this.#send(Buffer.concat([head, Buffer.from(text, "latin1")]));
  }

  #takeOne(): boolean {
    switch (this.#step) {
      case "version":
        if (!this.#take(12)) return false;
        this.#step = "security";
        this.#send(Buffer.from("RFB 003.008\n"));
        return true;
      case "security": {
        const count = this.#received[0];
        if (count === undefined || !this.#take(1 + count)) return false;
        this.#step = "result";
        this.#send(Buffer.of(1));
        return true;
      }
      case "result": {
        const result = this.#take(4);
        if (!result) return false;
        if (result.readUInt32BE() !== 0) throw new Error("The server refuses");
        this.#step = "init";
        this.#send(Buffer.of(1));
        return true;
      }
      case "init":
        return this.#init();
      case "messages":
        return this.#message();
    }
  }

  #init(): boolean {
    if (this.#received.length < 24) return false;
    const head = this.#take(24 + this.#received.readUInt32BE(20));
    if (!head) return false;
    this.#size(head.readUInt16BE(0), head.readUInt16BE(2));
    this.#step = "messages";
    // Raw, and told of another size.
    const encodings = Buffer.from("02000002" + "00000000" + "ffffff21", "hex");
    this.#send(encodings);
    this.#ready.resolve();
    return true;
  }

  #message(): boolean {
    const type = this.#received[0];
    // A bell; a text that the guest copied.
    if (type === 2) return this.#take(1) !== null;
    if (type === 3) return this.#received.length >= 8 && this.#take(8 + this.#received.readUInt32BE(4)) !== null;
    if (type !== 0 || this.#received.length < 4) return false;
    return this.#update(this.#received.readUInt16BE(2));
  }

  #update(rectangles: number): boolean {
    let at = 4;
    const drawn: (() => void)[] = [];
    for (let index = 0; index < rectangles; index++) {
      if (this.#received.length < at + 12) return false;
      const [x, y, width, height] = [0, 2, 4, 6].map((offset) => this.#received.readUInt16BE(at + offset)) as [
        number,
        number,
        number,
        number,
      ];
      const encoding = this.#received.readInt32BE(at + 8);
      at += 12;
      if (encoding === -223) {
        drawn.push(() => this.#size(width, height));
        continue;
      }
      const from = at;
      at += width * height * 4;
      if (this.#received.length < at) return false;
      const bytes = this.#received;
      drawn.push(() => {
        for (let row = 0; row < height; row++) {
          const start = from + row * width * 4;
          bytes.copy(this.#pixels, ((y + row) * this.width + x) * 4, start, start + width * 4);
        }
      });
    }
    for (const draw of drawn) draw();
    this.#take(at);
    this.#waiting?.resolve(Buffer.from(this.#pixels));
    this.#waiting = null;
    return true;
  }

  #size(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.#pixels = Buffer.alloc(width * height * 4);
  }

  #take(length: number): Buffer | null {
    if (this.#received.length < length) return null;
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }
}

/** How many pixels of two pictures are not the same. A blinking cursor is less than a hundred. */
export function differing(one: Buffer, other: Buffer): number {
  if (one.length !== other.length) return Infinity;
  let count = 0;
  for (let at = 0; at < one.length; at += 4) {
    if (one.readUInt32LE(at) !== other.readUInt32LE(at)) count++;
  }
  return count;
}
