/** Text that comes in pieces of bytes, which may cut a character in two. */

/** Splits off the beginning of a character whose rest is still to come; at most three bytes. */
export function splitUtf8(bytes: Uint8Array): { readonly whole: Uint8Array; readonly rest: Uint8Array } {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const at = bytes.length - back;
    const byte = bytes[at] as number;
    // The middle of a character: its first byte stands before.
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? { whole: bytes.subarray(0, at), rest: bytes.subarray(at) } : { whole: bytes, rest: none };
  }
  return { whole: bytes, rest: none };
}

const none = new Uint8Array(0);
