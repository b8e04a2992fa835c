/** What the installation is, has and did, and how it is set. */
import type { AuditEntry, HostSample, LogEntry } from "../generated.ts";
import type { Body, Data, Http, Query } from "../http.ts";
import type { CallOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { subscribe, type SubscribeOptions } from "../subscribe.ts";

export interface MonitorOptions {
  readonly hostId?: string | undefined;
  readonly interval?: number | undefined;
}

export class System {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  info(options?: CallOptions): Promise<Data<"getSystemInfo">> {
    return this.#http.call<"getSystemInfo">("GET", "/system/info", options);
  }

  stats(query?: Query<"getSystemStats">, options?: CallOptions): Promise<Data<"getSystemStats">> {
    return this.#http.call<"getSystemStats">("GET", "/system/stats", { ...options, query });
  }

  /** Open to everybody. */
  health(options?: CallOptions): Promise<Data<"getHealth">> {
    return this.#http.call<"getHealth">("GET", "/health", { ...options, open: true });
  }

  /** How busy a host is, or without `hostId` all of them together, every `interval` ms (5,000; at least 1,000). */
  async *monitor({ hostId, interval, ...options }: SubscribeOptions & MonitorOptions = {}): AsyncGenerator<
    HostSample,
    void,
    undefined
  > {
    const updates = subscribe(this.#http, [{ topic: "system-monitor", hostId, interval }], options);
    for await (const { type, data } of updates) if (type === "system-monitor") yield data;
  }

  /** In Prometheus' text format. */
  metrics(options?: CallOptions): Promise<Data<"getMetrics">> {
    return this.#http.call<"getMetrics">("GET", "/metrics", { ...options, bare: true });
  }

  /** The OpenAPI document. */
  openapi(options?: CallOptions): Promise<Data<"getOpenApi">> {
    return this.#http.call<"getOpenApi">("GET", "/openapi.json", { ...options, open: true, bare: true });
  }
}

export class Configuration {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  get(options?: CallOptions): Promise<Data<"getConfig">> {
    return this.#http.call<"getConfig">("GET", "/config", options);
  }

  /** What `body` doesn't name stays as it is. */
  update(body: Body<"updateConfig">, options?: CallOptions): Promise<Data<"updateConfig">> {
    return this.#http.call<"updateConfig">("PUT", "/config", { ...options, body });
  }
}

export class AuditTrail {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listAudit">, options?: CallOptions): Promise<Page<AuditEntry>> {
    const data = await this.#http.call<"listAudit">("GET", "/audit", { ...options, query });
    return toPage(data.entries, data.pagination);
  }

  iterate(query: Query<"listAudit"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listAudit">) => this.list(page, options), query);
  }
}

export class Logs {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listLogs">, options?: CallOptions): Promise<Page<LogEntry>> {
    const data = await this.#http.call<"listLogs">("GET", "/logs", { ...options, query });
    return toPage(data.logs, data.pagination);
  }

  iterate(query: Query<"listLogs"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listLogs">) => this.list(page, options), query);
  }
}
