/**
 * One object per user, and per address where nobody is logged in: whoever wants in passes here, and D1 is not asked.
 *
 * The window lives on the heap and is written at most once a second, so that a request costs no write. An idle object
 * is evicted after about ten seconds, when all is written: the limit is exact. Only a crash or a deploy
 * forgets, and that at most the last second. Claimed idempotency keys are written before they are answered.
 */
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { type Bucket, RateWindow, type Standing } from "./rate-window.ts";
import { type Claim, type ClaimResult, type KeptAnswer, Replays } from "./replays.ts";
import { type Credential, UserSessions, type Verdict } from "./user-sessions.ts";

export interface Ask {
  /** Of the limit, this much; 0 only looks. */
  readonly cost: number;
  /** Per minute. The Worker tells it, so that a new limit takes effect without a word to any object. */
  readonly limit: number;
}

/** `standing` is null where the credential is refused. */
export type Entry = Verdict & { readonly standing: Standing | null };

const windowMs = 60_000;
const saveAfterMs = 1_000;
const windowKey = "window";

export class UserGate extends DurableObject<Env> {
  readonly #window = new RateWindow(windowMs, this.ctx.storage.kv.get<Bucket[]>(windowKey) ?? []);
  readonly #replays = new Replays(this.ctx.storage.sql);
  readonly #sessions = new UserSessions(this.ctx, this.env.DB);
  #saveIsDue = false;

  /**
   * Judges what a request came with, and takes from its user's limit: the one call that a request costs. What is not
   * accepted takes nothing, or anybody could use up another's minute.
   */
  async enter(userId: string, credential: Credential, ask: Ask): Promise<Entry> {
    const verdict = await this.#sessions.judge(userId, credential);
    return { ...verdict, standing: verdict.caller ? this.admit(ask) : null };
  }

  /** What a connection that was let in before came with, as it is now. */
  judge(userId: string, credential: Credential): Promise<Verdict> {
    return this.#sessions.judge(userId, credential);
  }

  /** Before a change of the user's rights, sessions or tokens; `release` after it. */
  hold(change: string): void {
    this.#sessions.hold(change);
  }

  release(change: string): void {
    this.#sessions.release(change);
  }

  admit({ cost, limit }: Ask): Standing {
    const standing = this.#window.take(cost, limit, Date.now());
    if (standing.allowed && cost > 0) this.#saveSoon();
    return standing;
  }

  async claim(claim: Claim): Promise<ClaimResult> {
    const result = this.#replays.claim(claim, Date.now());
    await this.#wakeIn(2 * windowMs);
    return result;
  }

  keepAnswer(key: string, answer: KeptAnswer): void {
    this.#replays.keep(key, answer);
  }

  releaseClaim(key: string): void {
    this.#replays.release(key);
  }

  /** Forgets what has had its time. An object that keeps nothing gives its storage back: addresses are many. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const next = this.#replays.purge(now);
    if (next !== null) return this.ctx.storage.setAlarm(Math.max(next, now + windowMs));
    if (this.#window.isEmpty(now) && !this.#sessions.isHeld(now)) return this.ctx.storage.deleteAll();
    await this.#wakeIn(2 * windowMs);
  }

  #saveSoon(): void {
    if (this.#saveIsDue) return;
    this.#saveIsDue = true;
    setTimeout(() => {
      this.#saveIsDue = false;
      this.ctx.storage.kv.put(windowKey, this.#window.buckets);
      void this.#wakeIn(2 * windowMs);
    }, saveAfterMs);
  }

  async #wakeIn(ms: number): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + ms);
  }
}
