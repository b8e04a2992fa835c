/**
 * The installed versions of the agent in its home, and which of them is on trial. `installer/voidvm-agent` reads and
 * writes the same files: it starts what `current` leads to, and takes a version back while `trial` is there.
 */
import { existsSync, readlinkSync } from "node:fs";
import { mkdir, readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { HostPaths } from "../paths.ts";
import { readIfThere, writeWhole } from "../whole-file.ts";

export interface FailedUpdate {
  readonly version: string;
  readonly reason: string;
}

export class Installation {
  readonly #home: string;

  constructor(paths: HostPaths) {
    this.#home = paths.home;
  }

  folder(version: string): string {
    return join(this.#home, "versions", version);
  }

  runtime(sha256: string): string {
    return join(this.#home, "runtimes", sha256.slice(0, 16));
  }

  /** The Node that the present version is run by. */
  get node(): string {
    return readlinkSync(join(this.#home, "current", "node"));
  }

  /** The keys whose signature counts; none where the host was not installed. */
  async pinnedKeys(): Promise<string[]> {
    const text = await readIfThere(join(this.#home, "release-keys"));
    return text?.split("\n").filter((line) => line !== "") ?? [];
  }

  async pinKeys(keys: readonly string[]): Promise<void> {
    await writeWhole(join(this.#home, "release-keys"), `${keys.join("\n")}\n`);
  }

  /** The next start is of `version`, on trial. Its folder is whole by now. */
  async switchTo(version: string, before: string): Promise<void> {
    await rm(this.#failedFile, { force: true });
    // First: a switch without it would be for good.
    await writeWhole(this.#trialFile, `${version} ${before}\n`);
    await link(join("versions", version), join(this.#home, "current"));
  }

  /** The edge has taken this version in. Older ones go, but for the one before, to which a person may want to return. */
  async confirm(): Promise<void> {
    const trial = await readIfThere(this.#trialFile);
    if (trial === null) return;
    await rm(this.#trialFile, { force: true });
    await this.#removeAllBut(trial.trim().split(" "));
  }

  /** What became of the last update, if it was taken back or refused. */
  async failedUpdate(): Promise<FailedUpdate | null> {
    const [, version, reason] = /^(\S+) (.*)/.exec((await readIfThere(this.#failedFile)) ?? "") ?? [];
    return version !== undefined && reason !== undefined ? { version, reason } : null;
  }

  async noteFailure({ version, reason }: FailedUpdate): Promise<void> {
    await writeWhole(this.#failedFile, `${version} ${reason}\n`);
  }

  async forgetFailure(): Promise<void> {
    await rm(this.#failedFile, { force: true });
  }

  get #trialFile(): string {
    return join(this.#home, "trial");
  }

  get #failedFile(): string {
    return join(this.#home, "update-failed");
  }

  async #removeAllBut(versions: readonly string[]): Promise<void> {
    const runtimes = new Set(versions.map((version) => runtimeOf(this.folder(version))));
    await removeOthers(join(this.#home, "versions"), new Set(versions));
    await removeOthers(join(this.#home, "runtimes"), runtimes);
  }
}

/** Over whatever has the name, at once. */
export async function link(target: string, path: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  await symlink(target, `${path}.new`);
  await rename(`${path}.new`, path);
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

function runtimeOf(folder: string): string {
  const node = join(folder, "node");
  return existsSync(node) ? basename(dirname(readlinkSync(node))) : "";
}

async function removeOthers(folder: string, kept: ReadonlySet<string>): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  await Promise.all(
    names.filter((name) => !kept.has(name)).map((name) => rm(join(folder, name), { recursive: true, force: true })),
  );
}
