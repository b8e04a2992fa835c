/**
 * Makes the agent another version of itself, in the order of the edge: fetches it, looks whether it runs at all, waits until no
 * operation is under way, and hands over to `installer/voidvm-agent`, which starts it on trial.
 *
 * Whatever fails on the way leaves the present version as it is, and the edge is told.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compareVersions, type Release, releaseFiles } from "../../protocol/release.ts";
import { toHostError } from "../errors.ts";
import { run } from "../run.ts";
import { downloadFile, fetchRelease } from "./release-source.ts";
import { type FailedUpdate, type Installation, link, makeFolder } from "./installation.ts";

export interface UpdaterOptions {
  readonly installation: Installation;
  /** The edge's origin. */
  readonly edge: string;
  /** That runs now. */
  readonly version: string;
  /** No operation is under way. */
  readonly isIdle: () => boolean;
  /** False where it could not be sent; it is told in the next session then. */
  readonly tell: (failed: FailedUpdate) => boolean;
  /** Ends this process, so that the launcher starts the version that was switched to. */
  readonly handOver: () => void;
  readonly log: (line: string) => void;
}

const idleCheckMs = 250;

export class Updater {
  readonly #options: UpdaterOptions;
  /** What it is doing, for people; null: nothing. */
  #doing: string | null = null;

  constructor(options: UpdaterOptions) {
    this.#options = options;
  }

  get doing(): string | null {
    return this.#doing;
  }

  /** By order of the edge. */
  order(version: string): void {
    if (this.#doing !== null || version === this.#options.version) return;
    this.#doing = `fetching version ${version}`;
    void this.#fetch()
      .then((release) => {
        if (release.version !== version) throw new Error(`The edge offers version ${release.version}, not ${version}`);
        return this.#become(release);
      })
      .catch((error: unknown) => this.#failed(version, error));
  }

  /** By order of somebody on this host. Returns what comes of it. Errors: `Error` where the edge's release is refused. */
  async toLatest(): Promise<string> {
    const { version } = this.#options;
    if (this.#doing !== null) return `An update is under way: ${this.#doing}`;
    const release = await this.#fetch();
    if (compareVersions(release.version, version) <= 0) {
      return `The edge offers version ${release.version}, and this is ${version}: nothing to do`;
    }
    this.order(release.version);
    return `Becoming version ${release.version}; 'voidvm-agent status' shows how it stands`;
  }

  /** The session stands: a version on trial has proven itself, and an earlier failure can be told. */
  async synced(): Promise<void> {
    const { installation, tell } = this.#options;
    await installation.confirm();
    const failed = await installation.failedUpdate();
    if (failed && tell(failed)) await installation.forgetFailure();
  }

  async #fetch(): Promise<Release> {
    const { installation, edge } = this.#options;
    return fetchRelease(edge, await installation.pinnedKeys());
  }

  async #become(release: Release): Promise<void> {
    const { installation, version: before, isIdle, handOver, log } = this.#options;
    const { version } = release;
    if (compareVersions(version, before) <= 0) throw new Error(`Version ${version} is older than ${before}`);
    await this.#install(release);
    this.#doing = `version ${version} is here, and waits for operations to end`;
    // What arrives from here to the hand-over is in the journal, and the next version carries it out.
    while (!isIdle()) await sleep(idleCheckMs);
    await installation.pinKeys(release.keys);
    await installation.switchTo(version, before);
    log(`Handing over to version ${version}`);
    handOver();
  }

  /** Errors: `Error` where it is not what was signed, or does not even tell its version. */
  async #install(release: Release): Promise<void> {
    const { installation, edge } = this.#options;
    const folder = installation.folder(release.version);
    await rm(folder, { recursive: true, force: true });
    await makeFolder(folder);
    const agent = join(folder, releaseFiles.agent);
    await downloadFile(edge, release, { name: releaseFiles.agent, path: agent, mode: 0o600 });
    const node = await this.#nodeFor(release);
    await link(node, join(folder, "node"));
    const { stdout } = await run(node, [agent, "version"]);
    if (stdout.trim() !== release.version) throw new Error(`It says that it is version ${stdout.trim().slice(0, 40)}`);
  }

  /** The present one where it is new enough, or the release's own. */
  async #nodeFor(release: Release): Promise<string> {
    const { installation, edge } = this.#options;
    if (compareVersions(process.versions.node, release.node) >= 0) return installation.node;
    const name = releaseFiles.runtime;
    const folder = installation.runtime(release.files.find((file) => file.name === name)?.sha256 ?? "");
    const path = join(folder, "node");
    if (!existsSync(path)) {
      await makeFolder(folder);
      await downloadFile(edge, release, { name, path, mode: 0o700 });
    }
    return path;
  }

  async #failed(version: string, error: unknown): Promise<void> {
    const { installation, tell, log } = this.#options;
    const reason = toHostError(error).message;
    this.#doing = null;
    log(`This agent does not become version ${version}: ${reason}`);
    if (tell({ version, reason })) return;
    await installation.noteFailure({ version, reason }).catch((cause: Error) => log(cause.message));
  }
}
