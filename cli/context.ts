/** What every command has: a client for where its user is logged in, and somewhere to print. */
import { type Operation, VoidVMClient, type VoidVMError, type WaitOptions } from "../sdk/typescript/src/index.ts";
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

  /** Where, and with which token. */
  async login(): Promise<{ url: string; token: string | null; profile: string }> {
    const { current, profiles } = await readProfiles();
    const name = this.options.profile ?? process.env["VOIDVM_PROFILE"] ?? current;
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    const wanted = this.options.url ?? (this.options.profile === undefined ? process.env["VOIDVM_URL"] : undefined);
    const url = apiUrl(wanted || profile?.url || defaultUrl);
    const fromEnvironment = this.options.profile === undefined ? process.env["VOIDVM_TOKEN"] : undefined;
    return { url, token: fromEnvironment || (profile?.url === url ? profile.token : null), profile: name };
  }

  async client(): Promise<VoidVMClient> {
    const { url, token } = await this.login();
    if (token === null) {
      throw new UserError(
        t(`Not logged in at ${url}: voidvm login ${url}`, `尚未登录 ${url}：voidvm login ${url}`),
        exitCodes.denied,
      );
    }
    return this.clientFor(url, token);
  }

  clientFor(baseURL: string, token?: string): VoidVMClient {
    return new VoidVMClient({
      baseURL,
      token,
      language,
      retries: 3,
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
