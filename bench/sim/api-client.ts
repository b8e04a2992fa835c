/** The public API as an administrator's script uses it. Waits where the edge says that it is asked too often. */
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than any long poll. An edge that is killed may leave a request without an answer. */
const timeoutMs = 60_000;

export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Answer {
  readonly data?: unknown;
  readonly token?: unknown;
  readonly error?: { readonly code: string; readonly details: string };
}

export class ApiClient {
  readonly origin: string;
  #token = "";

  constructor(origin: string) {
    this.origin = origin;
  }

  async login(username: string, password: string): Promise<void> {
    this.#token = (await this.#send("POST", "/auth/login", { username, password })).token as string;
  }

  /** The answer's `data`. Errors: `ApiRefusal`. */
  async call<T>(method: string, path: string, body?: object): Promise<T> {
    return (await this.#send(method, path, body)).data as T;
  }

  /** For benchmarks on an edge of one's own. */
  async liftLimits(): Promise<void> {
    const limits = { requestsPerMinute: 10_000_000, loginsPerMinute: 10_000_000 };
    await this.call("PUT", "/config", { limits });
  }

  async #send(method: string, path: string, body?: object): Promise<Answer> {
    for (;;) {
      const response = await fetch(`${this.origin}/api/v1${path}`, {
        method,
        headers: {
          "Accept-Language": "en",
          "Content-Type": "application/json",
          ...(this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` }),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const answer = (await response.json()) as Answer;
      if (response.ok) return answer;
      if (response.status !== 429) {
        const { code = "", details = "" } = answer.error ?? {};
        throw new ApiRefusal(response.status, code, `${method} ${path}: ${response.status} ${code} ${details}`);
      }
      await sleep(1000 * Number(response.headers.get("Retry-After") ?? 1));
    }
  }
}
