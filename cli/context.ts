/** What every command has: a client for where its user is logged in, and somewhere to print. */
import {
  type Operation,
  type SocketConstructor,
  VoidVMClient,
  type VoidVMError,
  type WaitOptions,
} from "../sdk/typescript/src/index.ts";
import { exitCodeOf, exitCodes, UserError } from "./exit-codes.ts";
import { language, t } from "./language.ts";
import { printError } from "./output/error-text.ts";
import { Output } from "./output/output.ts";
import { Progress } from "./output/progress.ts";
import { apiUrl, readProfiles } from "./profiles.ts";

export interface CommonOptions {
  readonly profile?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly raw?: boolean;
  readonly yes?: boolean;
}

export interface WaitingOptions {
  readonly wait?: boolean;
  /** Seconds. */
  readonly timeout?: number;
}

export const defaultUrl = "http://localhost:3000/api/v1";

/** Ctrl-C ends what is under way; the terminal is put in order first. */
export const interrupted = new AbortController();

export class Context {
  readonly options: CommonOptions;
  readonly out: Output;
  readonly signal = interrupted.signal;

  constructor(options: CommonOptions) {
    this.options = options;
    this.out = new Output(options);
  }

  /** Where, and with which token. `usesProfile`: the token is the profile's. */
  async login(): Promise<{ url: string; token: string | null; profile: string; usesProfile: boolean }> {
    const { current, profiles } = await readProfiles();
    // A profile that is named on the command line is meant whole.
    const env = this.options.profile === undefined ? process.env : {};
    const name = this.options.profile ?? (env["VOIDVM_PROFILE"] || current);
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    const url = apiUrl(this.options.url || env["VOIDVM_URL"] || profile?.url || defaultUrl);
    const usesProfile = !env["VOIDVM_TOKEN"] && profile?.url === url;
    const token = env["VOIDVM_TOKEN"] || (usesProfile ? (profile?.token ?? null) : null);
    return { url, token, profile: name, usesProfile };
  }

  async client(webSocket?: SocketConstructor): Promise<VoidVMClient> {
    const { url, token, profile } = await this.login();
    if (token === null && this.options.profile !== undefined && this.options.url === undefined) {
      const command = `voidvm login ADDRESS --profile ${profile}`;
      throw new UserError(
        t(`There is no profile '${profile}': ${command}`, `没有名为 '${profile}' 的配置：${command}`),
        exitCodes.denied,
      );
    }
    if (token === null) {
      throw new UserError(
        t(`Not logged in at ${url}: voidvm login ${url}`, `尚未登录 ${url}：voidvm login ${url}`),
        exitCodes.denied,
      );
    }
    return this.clientFor(url, token, webSocket);
  }

  /** A client that opens WebSockets too, for which Node 20 has nothing of its own. */
  async socketClient(): Promise<VoidVMClient> {
    const { WebSocket } = await import("ws");
    return this.client(WebSocket as unknown as SocketConstructor);
  }

  clientFor(baseURL: string, token?: string, webSocket?: SocketConstructor): VoidVMClient {
    return new VoidVMClient({
      baseURL,
      token,
      language,
      retries: 3,
      webSocket,
      onRetry: ({ delay, error }) => this.#noteRetry(delay, error),
    });
  }

  /** The operation's end, shown as it comes nearer. */
  async follow(
    client: VoidVMClient,
    name: string,
    operation: Operation,
    { timeout }: WaitingOptions,
  ): Promise<Operation> {
    const progress = new Progress(!this.out.json && !this.out.quiet);
    try {
      return await client.operations.wait(operation.id, {
        ...this.waitOptions({ timeout }),
        onProgress: (now) => progress.show(name, now),
      });
    } finally {
      progress.clear();
    }
  }

  waitOptions({ timeout }: { timeout?: number | undefined }): Pick<WaitOptions, "signal" | "timeout"> {
    return { signal: this.signal, timeout: timeout === undefined ? undefined : timeout * 1000 };
  }

  /** Goes through all of them: one that fails doesn't keep the others from being done. */
  async each(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
    for (const name of names) {
      try {
        await work(name);
      } catch (error) {
        if (names.length === 1 || this.signal.aborted) throw error;
        printError(error, this.out.json);
        process.exitCode ||= exitCodeOf(error);
      }
    }
  }

  #noteRetry(delay: number, { code }: VoidVMError): void {
    const seconds = Math.ceil(delay / 1000);
    this.out.note(t(`${code}: trying again in ${seconds} s`, `${code}：${seconds} 秒后重试`));
  }
}

export async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}
