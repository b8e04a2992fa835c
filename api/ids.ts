/** Ids: a prefix and a ULID in lower case (48 bits of time, 80 of chance), so they sort by the time they were made at. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

export type IdPrefix = "vm" | "user" | "host" | "op" | "img" | "ses" | "tok" | "stream";

export function newId(prefix: IdPrefix, now: number = Date.now()): string {
  let time = "";
  for (let rest = now, digit = 0; digit < 10; digit++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time;
  const chance = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => alphabet[byte % 32]).join("");
  return `${prefix}-${time}${chance}`;
}

/** 52:54:00 is QEMU's own prefix of locally administered addresses. */
export function newMacAddress(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(3))];
  return ["52", "54", "00", ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

/** 256 bits of chance in base64url. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** SHA-256 in hex: how a secret that only has to be recognised is kept. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return new Uint8Array(digest).toHex();
}
