/** What was asked for and how it went. */
import type { Operation } from "../generated.ts";
import type { Http, Query } from "../http.ts";
import type { CallOptions, WaitOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";
import { subscribe, type SubscribeOptions } from "../subscribe.ts";
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

  /** Operations, each time one has got further: its progress may leave steps out, its end comes for certain. */
  async *watch(options?: SubscribeOptions): AsyncGenerator<Operation, void, undefined> {
    const updates = subscribe(this.#http, [{ topic: "operations" }], options);
    for await (const { type, data } of updates) if (type === "operation") yield data;
  }

  /** Takes back what has not begun. */
  cancel(id: string, options?: CallOptions): Promise<Operation> {
    return this.#http.call<"cancelOperation">("POST", path`/operations/${id}/cancel`, options);
  }
}
