/** What calls and the client take. */
import type { VoidVMError } from "./errors.ts";
import type { Login, Operation } from "./generated.ts";

export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** For a POST. Without it each call makes its own, the same for all its tries. */
  readonly idempotencyKey?: string | undefined;
  /** An ETag, as `etagOf` tells it: the change is made only if nothing has changed since. */
  readonly ifMatch?: string | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Resolves when the operation has succeeded, and rejects when it has not. */
  readonly wait?: boolean | undefined;
  /** Of the whole wait, in ms. The operation goes on behind it. By default there is none. */
  readonly timeout?: number | undefined;
  /** Called with the operation whenever it has got further. Implies `wait`. */
  readonly onProgress?: ((operation: Operation) => void) | undefined;
}

/** What is about to be tried again. `delay` is in ms. */
export interface Retry {
  readonly attempt: number;
  readonly delay: number;
  readonly error: VoidVMError;
}

/** What a WebSocket must be able to do: the browsers', Node 22's and that of the package `ws` are. */
export interface SocketLike {
  binaryType: string;
  readonly protocol: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: never) => void): void;
}
export type SocketConstructor = new (url: string, protocols?: string[]) => SocketLike;

export interface ClientOptions {
  /** By default `http://localhost:3000/api/v1`. */
  readonly baseURL?: string | undefined;
  /** A token of a login, a personal access token (`vvm_…`), or what gets one each time it is needed. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** In place of a token: the client logs in with the first call and keeps the session fresh. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** In place of a password: goes on with a session that was begun before. Good once; `onLogin` tells the next. */
  readonly refreshToken?: string | undefined;
  /** Called with each new pair of tokens, to keep it where the session shall outlive the client. */
  readonly onLogin?: ((login: Login) => void) | undefined;
  /** Of the messages for people: `zh-CN` (the server's default) or `en`. */
  readonly language?: string | undefined;
  /** How often a call is tried again after it met a limit, an overload or a broken connection. By default 5. */
  readonly retries?: number | undefined;
  /** Of one try, in ms, beside what the server was asked to wait. By default 30,000. */
  readonly timeout?: number | undefined;
  /** Called before each further try. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
  /** In place of the runtime's own. */
  readonly fetch?: typeof fetch | undefined;
  /** Where the runtime has none (Node 20): that of the package `ws`. */
  readonly webSocket?: SocketConstructor | undefined;
}
