/**
 * A login on a guest over SSH.
 *
 * The credentials are in memory for this one connection: they are in no file, no log line and no error.
 */
import type { Duplex } from "node:stream";
import ssh2, { type AuthHandlerMiddleware, type Client, type ClientChannel, type SyncHostVerifier } from "ssh2";
import type { SshCredentials } from "../../protocol/client-socket.ts";
import type { StreamErrorCode } from "../../protocol/errors.ts";
import { HostError } from "../errors.ts";
import { fingerprintOf, type HostKey } from "./host-key.ts";

export interface Shell {
  readonly channel: ClientChannel;
  /** The connection below it. */
  readonly client: Client;
}

export interface ShellOptions {
  readonly credentials: SshCredentials;
  readonly cols: number;
  readonly rows: number;
  readonly hostKey: HostKey;
}

/** Emulated guests take seconds for the cryptography. */
const loginMs = 60_000;

/** `socket` leads to the guest's SSH server. Errors: SSH_AUTH_FAILED, SSH_KEY_INVALID, HOST_KEY_CHANGED, SSH_FAILED, GUEST_UNREACHABLE. */
export async function openShell(socket: Duplex, options: ShellOptions): Promise<Shell> {
  const { credentials, cols, rows, hostKey } = options;
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const client = new ssh2.Client();
  client.once("ready", resolve);
  // Also after the login: who reads the channel hears of its end.
  client.on("error", (error) => reject(explained(error)));
  client.once("close", () => reject(new HostError("SSH_FAILED", "The guest's SSH server hung up during the login")));
  const verify = (key: Buffer, answer: (isRight: boolean) => void) => {
    hostKey.accepts(key, credentials.hostKey).then(
      (isRight) => {
        if (!isRight) reject(changed(hostKey, key));
        answer(isRight);
      },
      (error: Error) => {
        reject(error);
        answer(false);
      },
    );
  };
  try {
    client.connect({
      sock: socket,
      username: credentials.username,
      readyTimeout: loginMs,
      keepaliveInterval: 30_000,
      authHandler: authentication(credentials),
      // What the types call a verifier is also called with an answer to come.
      hostVerifier: verify as unknown as SyncHostVerifier,
      algorithms: { serverHostKey: { prepend: [...hostKey.algorithms], append: [], remove: [] } as never },
    });
    await ready;
    return { client, channel: await shell(client, cols, rows) };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function shell(client: Client, cols: number, rows: number): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  client.shell({ term: "xterm-256color", cols, rows }, (error, channel) => {
    if (error) reject(new HostError("SSH_FAILED", `The guest gives no shell: ${error.message}`));
    else resolve(channel);
  });
  return promise;
}

/** The key first where there is one; then the password, in both of the ways in which servers ask for it. */
function authentication({ username, password, privateKey, passphrase }: SshCredentials): AuthHandlerMiddleware {
  const methods: object[] = [];
  if (privateKey !== undefined) {
    const key = ssh2.utils.parseKey(privateKey, passphrase);
    if (key instanceof Error) {
      const why =
        passphrase === undefined
          ? "give it as OpenSSH or PEM, and its passphrase if it has one"
          : "or the passphrase is wrong";
      throw new HostError("SSH_KEY_INVALID", `The private key can't be read: ${why}`);
    }
    methods.push({ type: "publickey", username, key: privateKey, ...(passphrase === undefined ? {} : { passphrase }) });
  }
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    const answer: (...asked: unknown[]) => void = (_name, _instructions, _language, prompts, finish) =>
      (finish as (answers: string[]) => void)((prompts as unknown[]).map(() => password));
    methods.push({ type: "keyboard-interactive", username, prompt: answer });
  }
  return ((_left: unknown, _partial: unknown, next: (method: object | false) => void) => {
    next(methods.shift() ?? false);
  }) as AuthHandlerMiddleware;
}

/** By the library's own word for where it failed. */
const codes: Readonly<Record<string, StreamErrorCode>> = {
  "client-authentication": "SSH_AUTH_FAILED",
  "client-timeout": "GUEST_UNREACHABLE",
  "client-socket": "STREAM_LOST",
};

const sentences: Partial<Record<StreamErrorCode, string>> = {
  SSH_AUTH_FAILED: "The guest refuses this user with this password or key",
  GUEST_UNREACHABLE: `The guest's SSH server did not answer in ${loginMs / 1000} s`,
};

function explained(error: Error & { level?: string }): HostError {
  const code = codes[error.level ?? ""] ?? "SSH_FAILED";
  return new HostError(code, sentences[code] ?? `The SSH connection failed: ${error.message}`);
}

function changed(hostKey: HostKey, key: Buffer): HostError {
  const was = hostKey.fingerprint === null ? "" : `, and had ${hostKey.fingerprint}`;
  return new HostError(
    "HOST_KEY_CHANGED",
    `The guest's host key is ${fingerprintOf(key)}${was}. Where it was reinstalled this is right: ` +
      `compare it on the guest's console, and connect again with credentials.hostKey set to it`,
  );
}
