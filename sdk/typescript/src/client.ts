/** Everything that the API has, below one object. */
import type { SystemEvent, Topic } from "./generated.ts";
import { type Data, Http, type Query } from "./http.ts";
import type { CallOptions, ClientOptions } from "./options.ts";
import { Auth, Permissions, Roles, Tokens } from "./resources/auth.ts";
import { Hosts } from "./resources/hosts.ts";
import { Images } from "./resources/images.ts";
import { Operations } from "./resources/operations.ts";
import { AuditTrail, Configuration, Logs, System } from "./resources/system.ts";
import { Users } from "./resources/users.ts";
import { Vms } from "./resources/vms.ts";
import { subscribe, type SubscribeOptions, type Update } from "./subscribe.ts";

export interface EventOptions extends SubscribeOptions {
  /** The sequence of the last event that was seen; 0 for all that are kept. Without it: what happens from now on. */
  readonly after?: number | undefined;
}

export class VoidVMClient {
  readonly #http: Http;
  readonly vms: Vms;
  readonly operations: Operations;
  readonly images: Images;
  readonly hosts: Hosts;
  readonly auth: Auth;
  readonly tokens: Tokens;
  readonly users: Users;
  readonly roles: Roles;
  readonly permissions: Permissions;
  readonly system: System;
  readonly config: Configuration;
  readonly audit: AuditTrail;
  readonly logs: Logs;

  constructor(options: ClientOptions = {}) {
    const http = new Http(options);
    this.#http = http;
    this.vms = new Vms(http);
    this.operations = new Operations(http);
    this.images = new Images(http);
    this.hosts = new Hosts(http);
    this.auth = new Auth(http);
    this.tokens = new Tokens(http);
    this.users = new Users(http);
    this.roles = new Roles(http);
    this.permissions = new Permissions(http);
    this.system = new System(http);
    this.config = new Configuration(http);
    this.audit = new AuditTrail(http);
    this.logs = new Logs(http);
  }

  /** Everything that happens, in its order, each once, whatever becomes of the connection. */
  async *events({ after, ...options }: EventOptions = {}): AsyncGenerator<SystemEvent, void, undefined> {
    const updates = subscribe(this.#http, [{ topic: "events", after }], options);
    for await (const { type, data } of updates) if (type === "system-event") yield data;
  }

  /** A page of what happened, oldest first. Go on with its `after`. */
  listEvents(query?: Query<"listEvents">, options?: CallOptions): Promise<Data<"listEvents">> {
    return this.#http.call<"listEvents">("GET", "/events", { ...options, query });
  }

  /** Several topics over one WebSocket, of which a user has ten at a time. */
  subscribe(topics: readonly Topic[], options?: SubscribeOptions): AsyncGenerator<Update, void, undefined> {
    return subscribe(this.#http, topics, options);
  }
}
