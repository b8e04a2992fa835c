/** What Cloudflare would hold as the Worker's secrets. Made at the first start; whoever reads the file can sign as anybody. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createOnce } from "../create-once.ts";

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

async function create(file: string): Promise<Secrets> {
  const secrets: Secrets = { VOIDVM_JWT_KEYS: `k1:${randomBytes(32).toString("base64url")}` };
  await createOnce(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return (await read(file)) ?? secrets;
}
