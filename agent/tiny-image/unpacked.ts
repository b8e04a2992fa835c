/**
 * The unpacked packages: finds their files, runs their programs and tells which libraries those need.
 *
 * Programs run by the loader and the libraries that were unpacked with them, so the machine needs none of them
 * installed, and a build depends on the packages alone.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run, type Output, type RunOptions } from "./run.ts";

const libraryFolders = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/** What syslinux starts by itself, by name. */
const calledByName = ["mattrib", "mcopy", "mmove"];

export class Unpacked {
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;

  private constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  static async from(packages: readonly string[], root: string, signal?: AbortSignal): Promise<Unpacked> {
    const waiting = [...packages];
    const unpackNext = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        await run("dpkg-deb", ["--extract", next, root], { signal });
      }
    };
    // All settled, so that none still writes when a failure has the folder removed.
    const unpacking = await Promise.allSettled(Array.from({ length: availableParallelism() }, unpackNext));
    for (const result of unpacking) if (result.status === "rejected") throw result.reason;

    const unpacked = new Unpacked(root, signal);
    await unpacked.#makeCallable(calledByName);
    return unpacked;
  }

  /** The path of a file by its place in the packages, which differ in whether they put `/usr` before it. */
  path(place: string): string {
    const found = [join(this.#root, place), join(this.#root, "usr", place)].find((path) => existsSync(path));
    if (!found) throw new Error(`no package brought ${place}; tiny is made of the packages of Debian 12 or later`);
    return found;
  }

  get loader(): string {
    return this.path("lib64/ld-linux-x86-64.so.2");
  }

  async kernelVersion(): Promise<string> {
    const [version] = await readdir(this.path("lib/modules"));
    if (!version) throw new Error("the kernel package brought no modules");
    return version;
  }

  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const [loader = "", ...loaderArgs] = this.#commandFor(program);
    return run(loader, [...loaderArgs, ...args], {
      signal: this.#signal,
      ...options,
      env: { PATH: `${this.#callable}:/usr/bin:/bin`, ...options.env },
    });
  }

  /** The libraries that these programs load, by the name under which they are looked up. */
  async librariesOf(programs: readonly string[]): Promise<Map<string, string>> {
    const libraries = new Map<string, string>();
    for (const program of programs) {
      const [loader = "", ...args] = this.#commandFor(program);
      const { stdout } = await run(loader, ["--list", ...args], { signal: this.#signal });
      for (const [, name = "", path = ""] of stdout.matchAll(/^\s*(\S+) => (.+) \(0x[0-9a-f]+\)$/gm)) {
        // The loader falls back to the machine's own libraries, which would hide that a package is missing.
        if (!path.startsWith(this.#root)) throw new Error(`no package brought ${name}, which ${program} needs`);
        if (!name.startsWith("/")) libraries.set(name, path);
      }
    }
    return libraries;
  }

  async #makeCallable(names: readonly string[]): Promise<void> {
    await mkdir(this.#callable);
    for (const name of names) {
      const command = this.#commandFor(`bin/${name}`).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      await writeFile(join(this.#callable, name), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o700 });
    }
  }

  get #callable(): string {
    return join(this.#root, "callable");
  }

  #commandFor(program: string): string[] {
    const libraries = libraryFolders.map((folder) => join(this.#root, folder)).join(":");
    return [this.loader, "--library-path", libraries, this.path(program)];
  }
}
