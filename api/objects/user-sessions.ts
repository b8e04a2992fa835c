/**
 * What a user's object knows of the user's rights, so that a request costs no read of D1 and a change holds at once.
 *
 * D1 is the truth and this a copy of it. Whoever changes it first takes a hold, then writes D1, then releases. While
 * a hold stands nothing is kept, so no request after the change is judged by what was before. A hold that is never
 * released, because its holder died, costs reads until it lapses.
 */
import { type Authority, readAuthority } from "../../db/authority.ts";
import { noteTokenUse } from "../../db/tokens.ts";
import type { Caller } from "../env.ts";
import { accessTokenSeconds } from "../tokens.ts";

/** What a request came with. The Worker has verified a session's signature; a token is only hashed. */
export type Credential =
  | { readonly type: "session"; readonly id: string | null }
  | { readonly type: "token"; readonly hash: string };

export type Refusal = "unknown" | "disabled" | "ended" | "expired";

export type Verdict =
  | {
      readonly caller: Caller;
      readonly refusal: null;
      /** Of a personal access token, in ms since 1970; null: never, or as its signature says. */
      readonly expiresAt: number | null;
    }
  | { readonly caller: null; readonly refusal: Refusal };

/** No write to D1 is still under way after this. */
const holdMs = 60_000;
/** For those who change the database by hand. */
const keepMs = 5 * 60_000;
const tokenUseEveryMs = 60_000;

interface Kept {
  readonly authority: Authority;
  readonly readAt: number;
}

export class UserSessions {
  readonly #ctx: DurableObjectState;
  readonly #d1: D1Database;
  readonly #tokenUsedAt = new Map<string, number>();
  /** What the storage has under `kept`, once it was read. */
  #kept: Kept | null = null;
  /** Rises with each hold and release: what was read before must not be kept after. */
  #generation = 0;

  constructor(ctx: DurableObjectState, d1: D1Database) {
    this.#ctx = ctx;
    this.#d1 = d1;
  }

  async judge(userId: string, credential: Credential, now: number = Date.now()): Promise<Verdict> {
    const authority = await this.#authority(userId, now);
    if (!authority) return refused("unknown");
    if (authority.disabled) return refused("disabled");
    const { username: name, role, permissions } = authority;
    const user = { id: userId, name, role, permissions };
    if (credential.type === "session") {
      if (credential.id !== null && authority.endedSessions.includes(credential.id)) return refused("ended");
      const caller: Caller = { ...user, scopes: null, credential: { type: "session", id: credential.id } };
      return { caller, refusal: null, expiresAt: null };
    }
    const token = authority.tokens.find(({ hash }) => hash === credential.hash);
    if (!token) return refused("ended");
    const expiresAt = token.expiresAt === null ? null : Date.parse(token.expiresAt);
    if (expiresAt !== null && expiresAt <= now) return refused("expired");
    this.#noteUse(token.id, now);
    const caller: Caller = { ...user, scopes: token.scopes, credential: { type: "token", id: token.id } };
    return { caller, refusal: null, expiresAt };
  }

  hold(id: string, now: number = Date.now()): void {
    this.#generation++;
    this.#ctx.storage.kv.put("holds", { ...this.#holds(now), [id]: now + holdMs });
    this.#ctx.storage.kv.delete("kept");
    this.#kept = null;
  }

  release(id: string, now: number = Date.now()): void {
    this.#generation++;
    const { [id]: _, ...others } = this.#holds(now);
    if (Object.keys(others).length > 0) this.#ctx.storage.kv.put("holds", others);
    else this.#ctx.storage.kv.delete("holds");
  }

  isHeld(now: number): boolean {
    return Object.keys(this.#holds(now)).length > 0;
  }

  async #authority(userId: string, now: number): Promise<Authority | null> {
    this.#kept ??= this.#ctx.storage.kv.get<Kept>("kept") ?? null;
    if (this.#kept && now - this.#kept.readAt < keepMs) return this.#kept.authority;
    const generation = this.#generation;
    const authority = await readAuthority(this.#d1, userId, iso(now - accessTokenSeconds * 1000 - keepMs));
    const mayKeep = generation === this.#generation && !this.isHeld(now);
    // Of users that there aren't nothing is stored: a stranger can name as many as they like.
    if (mayKeep && authority) {
      this.#kept = { authority, readAt: now };
      this.#ctx.storage.kv.put("kept", this.#kept);
    }
    return authority;
  }

  #holds(now: number): Record<string, number> {
    const all = this.#ctx.storage.kv.get<Record<string, number>>("holds") ?? {};
    return Object.fromEntries(Object.entries(all).filter(([, until]) => until > now));
  }

  /** Beside the request, and at most once a minute. */
  #noteUse(tokenId: string, now: number): void {
    if (now - (this.#tokenUsedAt.get(tokenId) ?? 0) < tokenUseEveryMs) return;
    this.#tokenUsedAt.set(tokenId, now);
    this.#ctx.waitUntil(noteTokenUse(this.#d1, tokenId, iso(now), iso(now - tokenUseEveryMs)).catch(() => {}));
  }
}

function refused(refusal: Refusal): Verdict {
  return { caller: null, refusal };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
