/**
 * The folder with everything that a VoidVM keeps on this machine: one supervisor at a time, and only one that knows
 * its format.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "../user-error.ts";
import { awaitEnd, identify, isAlive, type ProcessIdentity } from "./process-identity.ts";

const format = 1;
const minFreeMib = 512;
/** A supervisor that was killed leaves children that are just noticing it. */
const leftoverGraceMs = 3_000;

export class StateFolder {
  readonly path: string;
  readonly #lock: number;
  readonly #children = new Map<string, ProcessIdentity>();

  private constructor(path: string, lock: number) {
    this.path = path;
    this.#lock = lock;
  }

  /** Errors: `UserError`; a folder of a newer version has then not been touched. */
  static async open(path: string): Promise<StateFolder> {
    checkFormat(path);
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      accessSync(path, constants.W_OK);
    } catch (error) {
      throw new UserError(`${path} can't be used: ${(error as Error).message}. Choose another with VOIDVM_HOME.`);
    }
    checkSpace(path);
    const folder = new StateFolder(path, takeLock(path));
    // Another one may have made it since.
    checkFormat(path);
    replace(join(path, "format.json"), `${JSON.stringify({ format })}\n`);
    await folder.#endLeftovers();
    mkdirSync(join(path, "logs"), { recursive: true });
    return folder;
  }

  /** Notes a child, so that the next start can end it should this supervisor be killed and the child not notice. */
  noteChild(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity) this.#children.set(name, identity);
    replace(this.#childrenFile, JSON.stringify([...this.#children.values()]));
  }

  /** Releases the lock, as the end of the process does. */
  close(): void {
    replace(this.#childrenFile, "[]");
    closeSync(this.#lock);
  }

  get #childrenFile(): string {
    return join(this.path, "children.json");
  }

  async #endLeftovers(): Promise<void> {
    const known = (readJson(this.#childrenFile) ?? []) as ProcessIdentity[];
    await Promise.all(known.filter(isAlive).map((child) => awaitEnd(child, leftoverGraceMs)));
  }
}

function checkFormat(path: string): void {
  const file = join(path, "format.json");
  const content = readJson(file) as { format?: unknown } | null;
  if (content === null) return;
  if (typeof content.format !== "number") throw new UserError(`${file} does not say which format the folder has.`);
  if (content.format > format) {
    throw new UserError(
      `${path} was written by a newer VoidVM (format ${content.format}, this one knows ${format}): ` +
        "update this clone, or choose another folder with VOIDVM_HOME.",
    );
  }
}

function checkSpace(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  const freeMib = Math.floor((bavail * bsize) / 1_048_576);
  if (freeMib < minFreeMib) {
    throw new UserError(
      `${path} has ${freeMib} MiB of free disk space and VoidVM needs ${minFreeMib}: make room there.`,
    );
  }
}

/**
 * The lock belongs to the open file, so it ends with this process however that ends, and can't be stale. `flock` takes
 * it on the descriptor that it inherits, which is the same open file.
 */
function takeLock(path: string): number {
  const file = join(path, "lock");
  const descriptor = openSync(file, "a+", 0o600);
  const { status, error } = spawnSync("flock", ["--nonblock", "--exclusive", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) throw new UserError(`flock could not be run (${error.message}): it is part of util-linux.`);
  if (status !== 0) {
    const holder = readFileSync(file, "utf8").trim();
    throw new UserError(`VoidVM already runs on ${path}${holder ? ` (process ${holder})` : ""}: stop that one first.`);
  }
  ftruncateSync(descriptor);
  writeSync(descriptor, `${process.pid}\n`);
  return descriptor;
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UserError(`${file} is not JSON: it has been damaged.`);
  }
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
