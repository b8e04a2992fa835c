/** What the runtime binds for the Worker: wrangler.toml on Cloudflare, scripts/edge.ts under `npm start`. */
import type { AuditNote } from "../db/audit.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import type { Rights } from "../protocol/permissions.ts";
import type { RouteKey } from "./access.ts";
import type { Bearer } from "./auth.ts";
import type { ConsoleStream } from "./objects/console-stream.ts";
import type { HostLink } from "./objects/host-link.ts";
import type { Standing } from "./objects/rate-window.ts";
import type { UserHub } from "./objects/user-hub.ts";
import type { UserGate } from "./objects/user-gate.ts";

export interface Env {
  readonly DB: D1Database;
  readonly HOST_LINK: DurableObjectNamespace<HostLink>;
  readonly CONSOLE_STREAM: DurableObjectNamespace<ConsoleStream>;
  readonly USER_GATE: DurableObjectNamespace<UserGate>;
  readonly USER_HUB: DurableObjectNamespace<UserHub>;
  /** The static assets: the documentation page, and what hosts install. */
  readonly ASSETS: Fetcher;
  /** `kid:secret` entries separated by commas, each secret 32 random bytes in base64url. The first signs, all verify. */
  readonly VOIDVM_JWT_KEYS: string;
  /** The first administrator's password. */
  readonly VOIDVM_ADMIN_PASSWORD?: string;
  /** `allowed` where the API can be reached over loopback only. */
  readonly VOIDVM_DEFAULT_ADMIN?: string;
  readonly VOIDVM_VERSION?: string;
  /** ISO; when the edge was started, where it is one process that somebody starts. */
  readonly VOIDVM_STARTED_AT?: string;
  /** The header in which whoever stands before the API tells the client's address; clients must not get through with it. */
  readonly VOIDVM_ADDRESS_HEADER?: string;
  /** Where clients and hosts reach the edge, if a proxy before it ends TLS: `https://cloud.example.com`. */
  readonly VOIDVM_PUBLIC_URL?: string;
  /** Origins, separated by commas, whose pages may call the API with credentials. Empty: none. */
  readonly VOIDVM_CORS_ORIGINS?: string;
  /** Never bound. Of a request that the edge makes to itself: for whom, and the id that its operation is to have. */
  readonly CALLER?: Bearer & { readonly operationId: string };
}

/** Who asks, with the rights that they have now and the credential that they came with. */
export interface Caller extends Rights {
  readonly id: string;
  readonly name: string;
  /** A session's id is null where the edge itself has signed the token. */
  readonly credential:
    | { readonly type: "session"; readonly id: string | null }
    | { readonly type: "token"; readonly id: string };
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** The entry of the route table that the request is judged by. */
    route: RouteKey;
    /** Of every route that is not open. */
    caller: Caller;
    /** Of every route that changes something: goes into the batch of the change. */
    auditNote: AuditNote;
    /** Of the answer, where it is an error. */
    errorCode?: ErrorCode;
    /** Where the caller stands with the limit on requests. */
    standing?: Standing;
    /** Set by an idempotency key, or by the edge itself: the id that the request's operation has, and whether it may be there already. */
    claim?: { readonly operationId: string; readonly again: boolean };
  };
}
