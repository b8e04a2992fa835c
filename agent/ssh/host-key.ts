/**
 * The guest's SSH host key as this host remembers it: trusted when it is first seen, and no other after that.
 *
 * It lies in the machine's folder and bears the machine's generation, so a machine that was deleted or made anew has
 * none.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { readIfThere, writeWhole } from "../whole-file.ts";

const Remembered = z.strictObject({ generation: z.int(), key: z.base64() });

export class HostKey {
  readonly #file: string;
  readonly #generation: number;
  readonly #known: Buffer | null;

  private constructor(file: string, generation: number, known: Buffer | null) {
    this.#file = file;
    this.#generation = generation;
    this.#known = known;
  }

  static async load(file: string, generation: number): Promise<HostKey> {
    const text = await readIfThere(file);
    const remembered = text === null ? null : Remembered.parse(JSON.parse(text));
    const isCurrent = remembered?.generation === generation;
    return new HostKey(file, generation, isCurrent ? Buffer.from(remembered.key, "base64") : null);
  }

  /** Algorithms by which the guest can show the key that is known; a server may have several keys. */
  get algorithms(): readonly string[] {
    if (!this.#known) return [];
    const type = this.#known.subarray(4, 4 + this.#known.readUInt32BE(0)).toString("latin1");
    return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
  }

  get fingerprint(): string | null {
    return this.#known && fingerprintOf(this.#known);
  }

  /** Remembers what was not known, and what `expected` names. False: another key than the right one. */
  async accepts(key: Buffer, expected: string | undefined): Promise<boolean> {
    if (expected !== undefined && fingerprintOf(key) !== expected) return false;
    if (this.#known?.equals(key)) return true;
    if (this.#known && expected === undefined) return false;
    await writeWhole(this.#file, JSON.stringify({ generation: this.#generation, key: key.toString("base64") }));
    return true;
  }
}

/** As OpenSSH shows it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replaceAll("=", "")}`;
}
