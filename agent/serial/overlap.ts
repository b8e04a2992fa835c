/** Where one piece of a stream ends with what the next begins with: the bytes that were seen twice. Linear in both. */

/** Length of the longest beginning of `next` with which `earlier` ends. */
export function overlap(earlier: Uint8Array, next: Uint8Array): number {
  const borders = bordersOf(next);
  let matched = 0;
  for (const byte of earlier.subarray(Math.max(0, earlier.length - next.length))) {
    while (matched > 0 && next[matched] !== byte) matched = borders[matched - 1] ?? 0;
    if (next[matched] === byte) matched++;
  }
  return matched;
}

/** For each beginning of `bytes`: the longest shorter one with which it ends (Knuth, Morris, Pratt). */
function bordersOf(bytes: Uint8Array): Uint32Array {
  const borders = new Uint32Array(bytes.length);
  let length = 0;
  for (let at = 1; at < bytes.length; at++) {
    while (length > 0 && bytes[at] !== bytes[length]) length = borders[length - 1] ?? 0;
    if (bytes[at] === bytes[length]) length++;
    borders[at] = length;
  }
  return borders;
}
