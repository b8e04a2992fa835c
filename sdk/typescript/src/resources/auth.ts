/** Who the client is: sessions, personal access tokens, and what there is to be allowed. */
import type { Body, Data, Http, Query } from "../http.ts";
import type { CallOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";

export class Auth {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /** From now on this client's calls are this user's, and its session is kept fresh. */
  async login(body: Body<"login">, options?: CallOptions): Promise<Data<"login">> {
    const login = await this.#http.call<"login">("POST", "/auth/login", { ...options, body, open: true });
    this.#http.session.begin(login);
    return login;
  }

  /** Exchanges a refresh token, which is good once. The client does it by itself where it has logged in. */
  async refresh(refreshToken: string, options?: CallOptions): Promise<Data<"refreshTokens">> {
    const call = { ...options, body: { refreshToken }, open: true };
    const login = await this.#http.call<"refreshTokens">("POST", "/auth/refresh", call);
    this.#http.session.begin(login);
    return login;
  }

  async logout(options?: CallOptions): Promise<void> {
    await this.#http.call<"logout">("POST", "/auth/logout", options);
    this.#http.session.end();
  }

  me(options?: CallOptions): Promise<Data<"getMe">> {
    return this.#http.call<"getMe">("GET", "/auth/me", options);
  }

  async changePassword(body: Body<"changePassword">, options?: CallOptions): Promise<void> {
    await this.#http.call<"changePassword">("PUT", "/auth/password", { ...options, body });
  }
}

export class Tokens {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listTokens">, options?: CallOptions): Promise<Page<Data<"listTokens">["tokens"][number]>> {
    const data = await this.#http.call<"listTokens">("GET", "/auth/tokens", { ...options, query });
    return toPage(data.tokens, data.pagination);
  }

  iterate(query: Query<"listTokens"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listTokens">) => this.list(page, options), query);
  }

  /** The only answer that shows the token itself. */
  create(body: Body<"createToken">, options?: CallOptions): Promise<Data<"createToken">> {
    return this.#http.call<"createToken">("POST", "/auth/tokens", { ...options, body });
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#http.call<"deleteToken">("DELETE", path`/auth/tokens/${id}`, options);
  }
}

export class Roles {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(options?: CallOptions): Promise<Data<"listRoles">["roles"]> {
    return (await this.#http.call<"listRoles">("GET", "/roles", options)).roles;
  }
}

export class Permissions {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(options?: CallOptions): Promise<Data<"listPermissions">["permissions"]> {
    return (await this.#http.call<"listPermissions">("GET", "/permissions", options)).permissions;
  }
}
