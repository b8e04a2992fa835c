/** What Cloudflare would hold as the Worker's secrets. Made at the first start; whoever reads the file can sign as anybody. */
import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Secrets {
  /** `kid:32 bytes in base64url`, separated by commas: the first signs, all verify. */
  readonly VOIDVM_JWT_KEYS: string;
}

export async function readSecrets(home: string): Promise<Secrets> {
  const file = join(home, "secrets.json");
  return (await read(file)) ?? (await create(file));
}

async function read(file: string): Promise<Secrets | null> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const secrets = JSON.parse(text) as Partial<Secrets>;
  if (!/^[\w-]+:[\w-]{43}(,[\w-]+:[\w-]{43})*$/.test(secrets.VOIDVM_JWT_KEYS ?? "")) {
    throw new Error(`${file} holds no usable VOIDVM_JWT_KEYS; without the file, the next start makes a new one`);
  }
  return secrets as Secrets;
}

/** Whole on disk before it has its name, and never over one that is there. */
async function create(file: string): Promise<Secrets> {
  const secrets: Secrets = { VOIDVM_JWT_KEYS: `k1:${randomBytes(32).toString("base64url")}` };
  const beside = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(beside, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
  try {
    await link(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(beside, { force: true });
  }
  return (await read(file)) ?? secrets;
}
