/** What machines are made from. */
import type { Image } from "../generated.ts";
import type { Body, Http, Query } from "../http.ts";
import type { CallOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";

export class Images {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listImages">, options?: CallOptions): Promise<Page<Image>> {
    const data = await this.#http.call<"listImages">("GET", "/images", { ...options, query });
    return toPage(data.images, data.pagination);
  }

  iterate(query: Query<"listImages"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listImages">) => this.list(page, options), query);
  }

  create(body: Body<"createImage">, options?: CallOptions): Promise<Image> {
    return this.#http.call<"createImage">("POST", "/images", { ...options, body });
  }

  get(id: string, options?: CallOptions): Promise<Image> {
    return this.#http.call<"getImage">("GET", path`/images/${id}`, options);
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#http.call<"deleteImage">("DELETE", path`/images/${id}`, options);
  }
}
