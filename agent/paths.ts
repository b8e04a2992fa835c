/**
 * Every path on a host, in one place. People's names are never part of one; ids are checked before they are.
 *
 * Sockets have a folder of their own with a short name, because a unix socket's path has at most 107 bytes.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { ImageReference } from "../protocol/operations.ts";
import { VmId } from "../protocol/vm.ts";

const maxSocketPath = 107;

export interface VmPaths {
  /** 0700; all that is kept of the machine. */
  readonly dir: string;
  readonly record: string;
  readonly disk: string;
  readonly seed: string;
  readonly qemuLog: string;
  readonly serialLog: string;
  /** 0700; gone after a reboot, like the process that it belongs to. */
  readonly sockets: string;
  readonly pidFile: string;
  readonly qmp: string;
  readonly serial: string;
  readonly vnc: string;
  readonly guestAgent: string;
}

export class HostPaths {
  readonly home: string;
  readonly runtime: string;
  readonly agentFile: string;
  readonly keyFile: string;
  readonly journalFile: string;
  readonly imagesDir: string;
  readonly vmsDir: string;

  /** Both absolute. */
  constructor(home: string, runtime: string = defaultRuntime(home)) {
    if (!isAbsolute(home) || !isAbsolute(runtime)) throw new Error(`Not an absolute path: ${home} or ${runtime}`);
    this.home = home;
    this.runtime = runtime;
    this.agentFile = join(home, "agent.json");
    this.keyFile = join(home, "key.json");
    this.journalFile = join(home, "journal.db");
    this.imagesDir = join(home, "images");
    this.vmsDir = join(home, "vms");
    const longest = join(runtime, `vm-${"0".repeat(26)}`, "serial.sock");
    if (Buffer.byteLength(longest) > maxSocketPath) {
      throw new Error(`${runtime} is too long a name for sockets: set VOIDVM_RUN to a shorter folder`);
    }
  }

  /** Makes the folders. Errors: the runtime folder is there and belongs to somebody else. */
  prepare(): void {
    for (const dir of [this.home, this.imagesDir, this.vmsDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    mkdirSync(this.runtime, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(this.runtime);
    // In /tmp anybody can be there first; a link or a foreign folder would hand our machines' monitors over.
    const isFolder = (mode & 0o170000) === 0o040000;
    if (!isFolder || uid !== process.getuid?.() || (mode & 0o077) !== 0) {
      throw new Error(`${this.runtime} is not a private folder of this user: remove it, or set VOIDVM_RUN to another`);
    }
  }

  vm(vmId: string): VmPaths {
    const id = VmId.parse(vmId);
    const dir = join(this.vmsDir, id);
    const sockets = join(this.runtime, id);
    return {
      dir,
      record: join(dir, "vm.json"),
      disk: join(dir, "disk.qcow2"),
      seed: join(dir, "seed.iso"),
      qemuLog: join(dir, "qemu.log"),
      serialLog: join(dir, "serial.log"),
      sockets,
      pidFile: join(sockets, "qemu.pid"),
      qmp: join(sockets, "qmp.sock"),
      serial: join(sockets, "serial.sock"),
      vnc: join(sockets, "vnc.sock"),
      guestAgent: join(sockets, "ga.sock"),
    };
  }

  /** `version` tells one content of an image from another. */
  image(imageId: string, version: string): string {
    return join(this.imagesDir, `${ImageReference.shape.id.parse(imageId)}-${version.replaceAll(/[^a-z0-9]/g, "")}`);
  }
}

function defaultRuntime(home: string): string {
  const asked = process.env["VOIDVM_RUN"];
  if (asked !== undefined) return asked;
  const name = createHash("sha256").update(home).digest("hex").slice(0, 8);
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return `/run/voidvm-${name}`;
  const own = process.env["XDG_RUNTIME_DIR"];
  return own === undefined ? `/tmp/voidvm-${uid}-${name}` : join(own, `voidvm-${name}`);
}
