/** A viewer's bytes on their way to QEMU's screen: taken apart as QEMU takes them apart, however they were cut. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ClientMessages,
  isInput,
  keyEvent,
  pointerEvent,
  withoutExtendedClipboard,
} from "../../agent/vnc/client-messages.ts";
import { keysymOf, strokesOf } from "../../agent/vnc/keysyms.ts";

const greeting = [Buffer.from("RFB 003.008\n"), Buffer.of(1), Buffer.of(1)];

/** Every kind of message that QEMU reads, with any content. */
const message = fc.oneof(
  sized(0, 20),
  sized(3, 10),
  sized(4, 8),
  sized(5, 6),
  sized(250, 4),
  fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 40 }).map(setEncodings),
  fc.integer({ min: 0, max: 4 }).map((screens) => filled(8 + 16 * screens, [251, 0, 0, 0, 0, 0, screens])),
  fc.constant(filled(12, [255, 0])),
  fc.constantFrom(0, 1).map((order) => filled(4, [255, 1, 0, order])),
  fc.constant(filled(10, [255, 1, 0, 2])),
);
const text = fc.string({ maxLength: 50, unit: "binary-ascii" });
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });

describe("a viewer's messages", () => {
  it("are the same however they are cut, cut texts too", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(message, text)), cuts, (sent, lengths) => {
        const heard = read(
          Buffer.concat([...greeting, ...sent.map((one) => (typeof one === "string" ? cutText(one) : one))]),
          lengths,
        );
        expect(heard.greeting.toString("hex")).toBe(Buffer.concat(greeting).toString("hex"));
        expect(heard.all).toEqual(sent.map((one) => (typeof one === "string" ? one : one.toString("hex"))));
      }),
    );
  });

  it("need no choice of security in the oldest version", () => {
    const old = Buffer.concat([Buffer.from("RFB 003.003\n"), Buffer.of(0), keyEvent(0x61, true)]);
    expect(read(old, [1]).all).toEqual(["0401000000000061"]);
  });

  it.for([
    ["another version", Buffer.from("RFB 003.889\n")],
    ["a password check", Buffer.concat([Buffer.from("RFB 003.008\n"), Buffer.of(2)])],
    ["an unknown type", Buffer.concat([...greeting, Buffer.of(77)])],
    ["an unknown type of QEMU's", Buffer.concat([...greeting, Buffer.of(255, 9)])],
    ["encodings without end", Buffer.concat([...greeting, Buffer.of(2, 0, 0xff, 0xff)])],
  ] as const)("are refused where QEMU would not understand them: %s", ([, bytes]) => {
    expect(() => read(bytes, [5])).toThrow(/viewer/);
  });

  it("keep of a long text only the beginning, and go on after it", () => {
    const long = cutText("x".repeat(100_000));
    const heard = read(Buffer.concat([...greeting, long, keyEvent(0x61, true)]), [999], 10);
    expect(heard.all).toEqual(["xxxxxxxxxx", "0401000000000061"]);
  });

  it("count as input where they press something, and not where they ask for the picture", () => {
    const inputs = [keyEvent(1, true), pointerEvent(1, 2, 3), Buffer.of(250), Buffer.of(251), Buffer.of(255, 0)];
    expect(inputs.every((bytes) => isInput(bytes[0] as number, bytes))).toBe(true);
    expect(
      [Buffer.of(0), Buffer.of(2), Buffer.of(3), Buffer.of(255, 1)].some((bytes) => isInput(bytes[0] as number, bytes)),
    ).toBe(false);
  });

  it("lose the extended clipboard and no other encoding", () => {
    expect(withoutExtendedClipboard(setEncodings([0, 0xc0a1_e5ce, 7, 0xffff_ff21])).toString("hex")).toBe(
      setEncodings([0, 7, 0xffff_ff21]).toString("hex"),
    );
  });
});

describe("keys", () => {
  it("have the names of KeyboardEvent.key, a character or a keysym", () => {
    expect(["a", "A", "Enter", "F12", "ArrowUp", "é", "Ω", 0xff0d].map(keysymOf)).toEqual([
      ...[0x61, 0x41, 0xff0d, 0xffc9, 0xff52, 0xe9, 0x0100_03a9, 0xff0d],
    ]);
    expect(["Nonsense", "constructor", "ab"].map(keysymOf)).toEqual([null, null, null]);
  });

  it("of a typed text are a US keyboard's: shift where it needs it, nothing where it has no key", () => {
    expect(strokesOf("a")?.map(({ keysym }) => keysym)).toEqual([0x61, 0x61]);
    expect(strokesOf("?")?.map(({ keysym, down }) => `${keysym} ${down}`)).toEqual([
      ...["65505 true", "63 true", "63 false", "65505 false"],
    ]);
    expect(strokesOf("\n")?.[0]?.keysym).toBe(0xff0d);
    expect(["é", "中", "\u0007"].map(strokesOf)).toEqual([null, null, null]);
  });
});

/** `all` holds messages in hex and texts as they are. */
function read(bytes: Buffer, lengths: number[], maxText = 4_096) {
  const heard = { greeting: Buffer.alloc(0), all: [] as string[] };
  const messages = new ClientMessages(maxText, {
    greeting: (more) => (heard.greeting = Buffer.concat([heard.greeting, more])),
    message: (_, whole) => heard.all.push(whole.toString("hex")),
    cutText: (pasted) => heard.all.push(pasted ?? "extended"),
  });
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] as number;
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return heard;
}

function sized(type: number, length: number) {
  return fc.uint8Array({ minLength: length - 1, maxLength: length - 1 }).map((rest) => Buffer.from([type, ...rest]));
}

function filled(length: number, beginning: number[]): Buffer {
  const bytes = Buffer.alloc(length, 9);
  bytes.set(beginning);
  return bytes;
}

function setEncodings(encodings: number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * encodings.length);
  bytes[0] = 2;
  bytes.writeUInt16BE(encodings.length, 2);
  encodings.forEach((encoding, index) => bytes.writeUInt32BE(encoding, 4 + 4 * index));
  return bytes;
}

function cutText(pasted: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = 6;
  head.writeUInt32BE(pasted.length, 4);
  return Buffer.concat([head, Buffer.from(pasted, "latin1")]);
}
