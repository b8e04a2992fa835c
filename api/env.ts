/** What the runtime binds for the Worker: wrangler.toml on Cloudflare, scripts/edge.ts under `npm start`. */
import type { HostLink } from "./objects/host-link.ts";

export interface Env {
  readonly DB: D1Database;
  readonly HOST_LINK: DurableObjectNamespace<HostLink>;
  /** `kid:secret` entries separated by commas, each secret 32 random bytes in base64url. The first signs, all verify. */
  readonly VOIDVM_JWT_KEYS: string;
  /** The first administrator's password. */
  readonly VOIDVM_ADMIN_PASSWORD?: string;
  /** `allowed` where the API can be reached over loopback only. */
  readonly VOIDVM_DEFAULT_ADMIN?: string;
  readonly VOIDVM_VERSION?: string;
}

/** Who asks, from the claims of the token that was verified. */
export interface Caller {
  readonly id: string;
  readonly name: string;
  readonly role: "admin" | "user";
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    caller: Caller;
  };
}
