/**
 * One child of the supervisor: started, started again with growing pauses if it dies, and ended with the supervisor.
 *
 * It has a session of its own, so that Ctrl-C reaches the supervisor alone, which then ends everything in order. It has a
 * channel to the supervisor, whose closing tells it that the supervisor is gone, however that went.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { projectFolder } from "../project.ts";
import { exitCodeForGood } from "../user-error.ts";
import type { LogFile } from "./log-file.ts";

export interface Program<Message> {
  readonly name: string;
  /** What Node is given: options, a file, arguments. */
  readonly node: readonly string[];
  readonly log: LogFile;
  /** Asked before each start, since what it needs may have changed. */
  readonly environment: () => Promise<NodeJS.ProcessEnv>;
  readonly onSpawn: (pid: number) => void;
  readonly onMessage: (message: Message) => void;
}

interface Events {
  /** It died and will be started again. */
  died: [how: string];
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** After so long a life the next death is a new story. */
const healthyMs = 30_000;

export class Supervised<Message> extends EventEmitter<Events> {
  readonly #program: Program<Message>;
  readonly #ending = new AbortController();
  #child: ChildProcess | null = null;
  #life: Promise<void> | null = null;
  #isRestarting = false;

  constructor(program: Program<Message>) {
    super();
    this.#program = program;
  }

  start(): void {
    this.#life ??= this.#live();
  }

  /** Ends the present process; the next one starts at once. */
  restart(): void {
    this.#isRestarting = this.#child?.kill("SIGTERM") ?? false;
  }

  /** SIGTERM, and SIGKILL to one that is still there after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#ending.abort();
    const child = this.#child;
    child?.kill("SIGTERM");
    const killer = setTimeout(() => child?.kill("SIGKILL"), graceMs);
    await this.#life;
    clearTimeout(killer);
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const started = performance.now();
      const how = await this.#runOnce().catch((error: Error) => `could not be started: ${error.message}`);
      if (signal.aborted) return;
      if (how === null) return;
      if (this.#isRestarting) {
        this.#isRestarting = false;
        continue;
      }
      this.#program.log.write(`${this.#program.name} ${how}`);
      this.emit("died", how);
      if (performance.now() - started > healthyMs) pauseMs = firstPauseMs;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }

  /** How it ended; null where it doesn't want to be started again. */
  async #runOnce(): Promise<string | null> {
    const { node, log, environment, onSpawn, onMessage } = this.#program;
    const env = await environment();
    if (this.#ending.signal.aborted) return "was not needed";
    const child = spawn(process.execPath, node, {
      cwd: projectFolder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    if (child.stdout && child.stderr) log.take(child.stdout, child.stderr);
    child.on("message", (message) => onMessage(message as Message));
    if (child.pid !== undefined) onSpawn(child.pid);

    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    child.once("error", reject);
    child.once("exit", (code, killedBy) => {
      if (code === exitCodeForGood) resolve(null);
      else resolve(killedBy ? `was killed by ${killedBy}` : `ended with ${code}`);
    });
    const closed = once(child, "close").catch(() => {});
    const how = await promise;
    // Its last words, unless something that it started holds its output open.
    await Promise.race([closed, sleep(500)]);
    return how;
  }
}
