/**
 * The Ed25519 keys that a release is signed with. Hosts pin the public halves when they join, so whoever has one of
 * them decides what runs on every host: they never get into the assets or the repository.
 *
 * `VOIDVM_RELEASE_KEY` holds them, 32 bytes in base64url each, separated by commas; without it there is one in
 * `.voidvm/release-key`, made by the first build. To change the key, build once with both: hosts learn the new one from a
 * release that the old one has signed.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createOnce } from "../create-once.ts";
import { projectFolder } from "../project.ts";
import { UserError } from "../user-error.ts";

export interface SigningKey {
  /** `x` of the public half. */
  readonly id: string;
  /** In base64url. */
  sign(text: string): string;
}

const keyFile = join(projectFolder, ".voidvm", "release-key");
/** PKCS #8 of an Ed25519 key, up to its 32 bytes. */
const pkcs8Start = Buffer.from("302e020100300506032b657004220420", "hex");

/** Errors: `UserError` where a key is not one. */
export async function readSigningKeys(secret = process.env["VOIDVM_RELEASE_KEY"]): Promise<SigningKey[]> {
  if (secret) return secret.split(",").map((key) => toSigningKey(key.trim(), "VOIDVM_RELEASE_KEY"));
  await createOnce(keyFile, `${randomBytes(32).toString("base64url")}\n`);
  return [toSigningKey((await readFile(keyFile, "utf8")).trim(), keyFile)];
}

function toSigningKey(secret: string, source: string): SigningKey {
  if (!/^[\w-]{43}$/.test(secret)) throw new UserError(`${source} holds no key: 32 random bytes in base64url.`);
  const der = Buffer.concat([pkcs8Start, Buffer.from(secret, "base64url")]);
  const key: KeyObject = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return { id: x as string, sign: (text) => sign(null, Buffer.from(text), key).toString("base64url") };
}
