/** The machines that machines run on, for administrators. */
import type { Host } from "../generated.ts";
import type { Body, Data, Http, Query } from "../http.ts";
import type { CallOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";

export class Hosts {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listHosts">, options?: CallOptions): Promise<Page<Host>> {
    const data = await this.#http.call<"listHosts">("GET", "/hosts", { ...options, query });
    return toPage(data.hosts, data.pagination);
  }

  iterate(query: Query<"listHosts"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listHosts">) => this.list(page, options), query);
  }

  /** The host, and in `enrolment` the one command to run on it. Its token is shown once. */
  create(body: Body<"createHost">, options?: CallOptions): Promise<Data<"createHost">> {
    return this.#http.call<"createHost">("POST", "/hosts", { ...options, body });
  }

  get(id: string, options?: CallOptions): Promise<Host> {
    return this.#http.call<"getHost">("GET", path`/hosts/${id}`, options);
  }

  update(id: string, body: Body<"updateHost">, options?: CallOptions): Promise<Host> {
    return this.#http.call<"updateHost">("PATCH", path`/hosts/${id}`, { ...options, body });
  }

  /** `force`: although it has machines, which the cloud then forgets. */
  async delete(id: string, { force, ...options }: CallOptions & Query<"deleteHost"> = {}): Promise<void> {
    await this.#http.call<"deleteHost">("DELETE", path`/hosts/${id}`, { ...options, query: { force } });
  }

  /** No new machine comes to it any more; `shutdown` stops those that it has. Answers what remains. */
  drain(id: string, body: Body<"drainHost"> = {}, options?: CallOptions): Promise<Data<"drainHost">> {
    return this.#http.call<"drainHost">("POST", path`/hosts/${id}/drain`, { ...options, body });
  }

  /** Ends its quarantine: of the two agents that used its key, one alone must be left. */
  release(id: string, options?: CallOptions): Promise<Host> {
    return this.#http.call<"releaseHost">("POST", path`/hosts/${id}/release`, options);
  }

  /** Its agent becomes the edge's version: `agentUpdate` of the host is null once it has, and tells why where it has not. */
  upgrade(id: string, options?: CallOptions): Promise<Host> {
    return this.#http.call<"upgradeHost">("POST", path`/hosts/${id}/upgrade`, options);
  }

  /** A new enrolment token, for a host that is to be enrolled (again). */
  createToken(id: string, options?: CallOptions): Promise<Data<"renewHostToken">> {
    return this.#http.call<"renewHostToken">("POST", path`/hosts/${id}/token`, options);
  }
}
