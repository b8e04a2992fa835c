/**
 * Who this host is: an Ed25519 key that never leaves it, and the id that the edge gave it at enrolment.
 *
 * The key is on disk before the edge hears of it, so an enrolment whose answer was lost can be asked for again.
 */
import { createHash, randomUUID } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import * as z from "zod";
import { EnrolResult, linkLimits } from "../protocol/agent-link.ts";
import type { HostPaths } from "./paths.ts";
import { postJson } from "./post-json.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

const AgentFile = z.object({ hostId: z.string().regex(/^host-[0-9a-z]{26}$/), edge: z.url() });
export type AgentFile = z.infer<typeof AgentFile>;

export class Identity {
  readonly hostId: string;
  /** `http://…` or `https://…`, without a path. */
  readonly edge: string;
  readonly #key: CryptoKey | Uint8Array;
  /** What to add to this host's clock to get the edge's, in ms. */
  #clockOffsetMs = 0;

  constructor(file: AgentFile, key: CryptoKey | Uint8Array) {
    this.hostId = file.hostId;
    this.edge = file.edge;
    this.#key = key;
  }

  /** Null when this host isn't enrolled. */
  static async load(paths: HostPaths): Promise<Identity | null> {
    const text = await readIfThere(paths.agentFile);
    if (text === null) return null;
    return new Identity(AgentFile.parse(JSON.parse(text)), await privateKey(paths));
  }

  /** The same host at another address of its edge, for this run. */
  at(edge: string): Identity {
    return new Identity({ hostId: this.hostId, edge: new URL(edge).origin }, this.#key);
  }

  /** Learns the edge's clock from the `Date` of a refusal, so that a host whose clock is wrong gets in. */
  adoptClock(date: string | undefined): void {
    const time = Date.parse(date ?? "");
    if (!Number.isNaN(time)) this.#clockOffsetMs = time - Date.now();
  }

  /** The short-lived token that opens one connection. */
  async token(): Promise<string> {
    const now = Math.floor((Date.now() + this.#clockOffsetMs) / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: "EdDSA", typ: "voidvm-agent+jwt" })
      .setIssuer(this.hostId)
      .setAudience(this.edge)
      .setIssuedAt(now)
      .setExpirationTime(now + linkLimits.agentTokenSeconds)
      .setJti(randomUUID())
      .sign(this.#key);
  }
}

/**
 * Spends an enrolment token. The same host may repeat it for ten minutes and gets the same answer.
 *
 * Errors: `Error` with the edge's own words when it refuses, or with what went wrong on the way.
 */
export async function enrol(paths: HostPaths, edge: string, token: string): Promise<Identity> {
  const identity = await spendToken(edge, token, await privateJwk(paths));
  const file: AgentFile = { hostId: identity.hostId, edge: identity.edge };
  await writeWhole(paths.agentFile, JSON.stringify(file));
  return identity;
}

/** The same without a disk: whoever holds the key keeps it. */
export async function spendToken(edge: string, token: string, jwk: JWK): Promise<Identity> {
  const origin = new URL(edge).origin;
  const key = await importJWK(jwk, "EdDSA");
  const tokenHash = createHash("sha256").update(token).digest("hex");
  const proof = await new SignJWT({ tokenHash })
    .setProtectedHeader({ alg: "EdDSA", typ: "voidvm-enrol+jwt" })
    .setAudience(origin)
    .setIssuedAt()
    .sign(key);

  const order = { token, publicKey: { kty: "OKP", crv: "Ed25519", x: jwk.x }, proof };
  const answer = await postJson(new URL("/api/v1/agent/enrol", origin), order);
  const body = answer.body as { data?: unknown; error?: { message: string; details: string } };
  if (answer.status !== 200) {
    throw new Error(`${origin} refused the enrolment: ${body.error?.message} (${body.error?.details})`);
  }

  return new Identity({ hostId: EnrolResult.parse(body.data).hostId, edge: origin }, key);
}

/** An Ed25519 key that nobody else has. */
export async function newPrivateKey(): Promise<JWK> {
  const { privateKey: fresh } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  return exportJWK(fresh);
}

async function privateKey(paths: HostPaths): Promise<CryptoKey | Uint8Array> {
  return importJWK(await privateJwk(paths), "EdDSA");
}

async function privateJwk(paths: HostPaths): Promise<JWK> {
  const text = await readIfThere(paths.keyFile);
  if (text !== null) return JSON.parse(text) as JWK;
  const jwk = await newPrivateKey();
  await writeWhole(paths.keyFile, JSON.stringify(jwk));
  return jwk;
}
