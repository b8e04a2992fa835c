/** What was asked for and how it went. */
import type { Operation } from "../generated.ts";
import type { Http, Query } from "../http.ts";
import type { CallOptions, WaitOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";
import { untilEnd } from "../waiting.ts";

export class Operations {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listOperations">, options?: CallOptions): Promise<Page<Operation>> {
    const data = await this.#http.call<"listOperations">("GET", "/operations", { ...options, query });
    return toPage(data.operations, data.pagination);
  }

  iterate(query: Query<"listOperations"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listOperations">) => this.list(page, options), query);
  }

  get(id: string, options?: CallOptions): Promise<Operation> {
    return this.#http.call<"getOperation">("GET", path`/operations/${id}`, options);
  }

  /** The operation once it has succeeded; rejects where it has not. */
  async wait(id: string, options: Omit<WaitOptions, "wait"> = {}): Promise<Operation> {
    return untilEnd(this.#http, await this.get(id, { signal: options.signal }), options);
  }

  /** Takes back what has not begun. */
  cancel(id: string, options?: CallOptions): Promise<Operation> {
    return this.#http.call<"cancelOperation">("POST", path`/operations/${id}/cancel`, options);
  }
}
