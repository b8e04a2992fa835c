/**
 * What a call identifies itself with.
 *
 * However many calls need a new token at once, there is one login or one refresh: a refresh token is good once, and two that
 * spent the same would end the session.
 */
import { VoidVMError } from "./errors.ts";
import type { Login } from "./generated.ts";
import type { ClientOptions } from "./options.ts";
import { abortable } from "./pause.ts";

/** A token is renewed so long before its end, in ms. */
const margin = 60_000;

type Authenticate = (path: "/auth/login" | "/auth/refresh", body: Record<string, string>) => Promise<Login>;

export class Session {
  readonly #options: ClientOptions;
  readonly #authenticate: Authenticate;
  #login: { readonly token: string; readonly renewAt: number } | null = null;
  #refreshToken: string | null;
  #underWay: Promise<string | null> | null = null;

  constructor(options: ClientOptions, authenticate: Authenticate) {
    this.#options = options;
    this.#authenticate = authenticate;
    this.#refreshToken = options.refreshToken ?? null;
  }

  /** Null: the call goes without one. */
  async token(signal?: AbortSignal): Promise<string | null> {
    const { token } = this.#options;
    if (this.#login && Date.now() < this.#login.renewAt) return this.#login.token;
    if (this.#login || token === undefined) return abortable(this.#renew(), signal);
    return typeof token === "string" ? token : abortable(Promise.resolve(token()), signal);
  }

  /** After a 401 for `refused`: whether another try is worth it. */
  async renewed(refused: string | null, signal?: AbortSignal): Promise<boolean> {
    const { token, username } = this.#options;
    if (typeof token === "function" && !this.#login) return true;
    if (!this.#login && username === undefined && this.#refreshToken === null) return false;
    // Another call may have renewed it meanwhile.
    if (this.#login?.token === refused) this.#login = null;
    return (await this.token(signal)) !== refused;
  }

  /** From now on calls are this login's. */
  begin(login: Login): string {
    const { token, refreshToken, expiresAt } = login;
    const left = Date.parse(expiresAt) - Date.now();
    // Clocks differ: a token that seems to have ended when it comes is used until the server refuses it.
    const renewAt = left > 0 ? Date.now() + Math.max(left - margin, left / 2) : Infinity;
    this.#login = { token, renewAt };
    this.#refreshToken = refreshToken;
    this.#options.onLogin?.(login);
    return token;
  }

  end(): void {
    this.#login = null;
    this.#refreshToken = null;
  }

  #renew(): Promise<string | null> {
    this.#underWay ??= this.#obtain().finally(() => (this.#underWay = null));
    return this.#underWay;
  }

  async #obtain(): Promise<string | null> {
    const { username, password } = this.#options;
    const hasPassword = username !== undefined && password !== undefined;
    const refreshToken = this.#refreshToken;
    if (refreshToken !== null) {
      try {
        return this.begin(await this.#authenticate("/auth/refresh", { refreshToken }));
      } catch (error) {
        if (!(error instanceof VoidVMError && error.status === 401)) throw error;
        this.#refreshToken = null;
        if (!hasPassword) throw error;
      }
    }
    return hasPassword ? this.begin(await this.#authenticate("/auth/login", { username, password })) : null;
  }
}
