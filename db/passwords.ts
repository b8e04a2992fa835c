/** Passwords as scrypt hashes with their parameters: `scrypt$N$r$p$salt$key`, so that they can be made dearer later. */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** OWASP's setting for 32 MiB: about 180 ms in workerd. */
const present = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, present);
  return ["scrypt", present.N, present.r, present.p, salt.toString("base64"), key.toString("base64")].join("$");
}

export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [scheme, N, r, p, salt = "", key = ""] = hash.split("$");
  if (scheme !== "scrypt") return false;
  const expected = Buffer.from(key, "base64");
  const derived = await derive(password, Buffer.from(salt, "base64"), { N: Number(N), r: Number(r), p: Number(p) });
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

/** Whether it was made with other parameters than a new one would be. */
export function isDated(hash: string): boolean {
  return !hash.startsWith(`scrypt$${present.N}$${present.r}$${present.p}$`);
}

/** As dear as a real check, for names that nobody has: the time must not tell which names exist. */
export async function verifyNothing(password: string): Promise<false> {
  await derive(password, Buffer.alloc(16), present);
  return false;
}

function derive(password: string, salt: Buffer, parameters: typeof present): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { ...parameters, maxmem: 2 * 128 * parameters.N * parameters.r };
  scrypt(password, salt, keyBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
