/**
 * A root of its own for the installer, in a mount namespace that ends with it: this machine's with a layer over it, or with
 * VOIDVM_TEST_ROOT=clean a Debian that has nothing but curl.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export const isClean = process.env["VOIDVM_TEST_ROOT"] === "clean";
/** Made once, since Debian's packages take minutes to unpack. */
const baseTar = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "voidvm", "debian-root.tar");

/** `$1` is an empty folder; the root comes to be at `$1/root`. apt's packages are shared with this machine. */
const layout = {
  layered: `mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
    mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"`,
  clean: `mkdir "$1/root" && mount --bind "$1/root" "$1/root" && tar --extract --file "$2" --directory "$1/root" &&
    cp /etc/resolv.conf /etc/hosts "$1/root/etc/" && mkdir -p "$1/root/var/cache/apt/archives" &&
    mount --bind /var/cache/apt/archives "$1/root/var/cache/apt/archives"`,
};
const common = `mount --rbind /dev "$1/root/dev" && mount -t proc proc "$1/root/proc" && mount -t tmpfs tmpfs "$1/root/run"`;

export interface Ran {
  readonly code: number;
  readonly output: string;
}

export class InstallRoot {
  readonly #folder: string;
  readonly #holder: ChildProcess;

  private constructor(folder: string, holder: ChildProcess) {
    this.#folder = folder;
    this.#holder = holder;
  }

  static async make(): Promise<InstallRoot> {
    if (isClean) await provideBase();
    const folder = mkdtempSync(join(tmpdir(), "voidvm-root-"));
    const script = `set -e; ${isClean ? layout.clean : layout.layered}; ${common}; echo made; exec sleep infinity`;
    const holder = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, "sh", folder, baseTar]);
    const words: string[] = [];
    holder.stderr.on("data", (data) => words.push(String(data)));
    const [said] = await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
    if (String(said) !== "made\n") throw new Error(`The root could not be made: ${words.join("")}`);
    return new InstallRoot(folder, holder);
  }

  /** Whether this process may make one: it needs root, mounts and layers. */
  static async obstacle(): Promise<string | null> {
    if (process.getuid?.() !== 0) return "roots can be made by root alone";
    const folder = mkdtempSync(join(tmpdir(), "voidvm-try-"));
    try {
      await promisify(execFile)("unshare", ["--mount", "sh", "-c", `set -e; ${layout.layered}`, "sh", folder]);
      return null;
    } catch (error) {
      return `this kernel refuses the mounts: ${(error as Error).message}`;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Runs a shell command in it, to its end. */
  async run(command: string): Promise<Ran> {
    const child = this.start(command);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += data));
    const [code] = (await once(child, "close")) as [number | null];
    return { code: code ?? -1, output };
  }

  start(command: string): ChildProcess {
    const inside = ["chroot", join(this.#folder, "root"), "/bin/sh", "-c", command];
    const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    return spawn("nsenter", [`--mount=/proc/${this.#holder.pid}/ns/mnt`, ...inside], { env, cwd: "/" });
  }

  async dispose(): Promise<void> {
    const ended = once(this.#holder, "exit");
    this.#holder.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function provideBase(): Promise<void> {
  if (existsSync(baseTar)) return;
  mkdirSync(dirname(baseTar), { recursive: true });
  const beside = `${baseTar}.${process.pid}.tar`;
  await promisify(execFile)("mmdebstrap", [
    "--quiet",
    "--variant=minbase",
    "--include=curl,ca-certificates",
    "stable",
    beside,
  ]);
  renameSync(beside, baseTar);
}
