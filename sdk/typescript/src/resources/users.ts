/** Accounts, for administrators. */
import type { User } from "../generated.ts";
import type { Body, Http, Query } from "../http.ts";
import type { CallOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";

export class Users {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listUsers">, options?: CallOptions): Promise<Page<User>> {
    const data = await this.#http.call<"listUsers">("GET", "/users", { ...options, query });
    return toPage(data.users, data.pagination);
  }

  iterate(query: Query<"listUsers"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listUsers">) => this.list(page, options), query);
  }

  create(body: Body<"createUser">, options?: CallOptions): Promise<User> {
    return this.#http.call<"createUser">("POST", "/users", { ...options, body });
  }

  get(id: string, options?: CallOptions): Promise<User> {
    return this.#http.call<"getUser">("GET", path`/users/${id}`, options);
  }

  /** What `body` doesn't name stays as it is. */
  update(id: string, body: Body<"updateUser">, options?: CallOptions): Promise<User> {
    return this.#http.call<"updateUser">("PATCH", path`/users/${id}`, { ...options, body });
  }

  /** What `body` doesn't name gets its default, but for the password, which stays. */
  replace(id: string, body: Body<"replaceUser">, options?: CallOptions): Promise<User> {
    return this.#http.call<"replaceUser">("PUT", path`/users/${id}`, { ...options, body });
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#http.call<"deleteUser">("DELETE", path`/users/${id}`, options);
  }
}
