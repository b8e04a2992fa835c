/**
 * Every path on a host, in one place. People's names are never part of one; ids are checked before they are.
 *
 * Sockets have a folder of their own with a short name, because a unix socket's path has at most 107 bytes. It depends
 * on the home alone, so that an agent started in another way (by cron, over ssh) finds the same machines.
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
  /** Here and not with the sockets: whatever becomes of those, the process must be found. */
  readonly pidFile: string;
  /** All that QEMU itself printed. */
  readonly qemuLog: string;
  readonly serialLog: string;
  /** The guest's SSH host key, as it was when it was first seen. */
  readonly sshHostKey: string;
  /** 0700; gone after a reboot, like the process that it belongs to. */
  readonly sockets: string;
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
  /** Debian packages that `tiny` is built from. */
  readonly packageCache: string;
  readonly vmsDir: string;
  readonly statusSocket: string;

  /** Both absolute. */
  constructor(home: string, runtime: string = defaultRuntime(home)) {
    if (!isAbsolute(home) || !isAbsolute(runtime)) throw new Error(`Not an absolute path: ${home} or ${runtime}`);
    this.home = home;
    this.runtime = runtime;
    this.agentFile = join(home, "agent.json");
    this.keyFile = join(home, "key.json");
    this.journalFile = join(home, "journal.db");
    this.imagesDir = join(home, "images");
    this.packageCache = join(home, "cache", "packages");
    this.vmsDir = join(home, "vms");
    this.statusSocket = join(runtime, "agent.sock");
    const longest = this.vm(`vm-${"0".repeat(26)}`).serial;
    if (Buffer.byteLength(longest) > maxSocketPath) {
      throw new Error(`${runtime} is too long a name for sockets: set VOIDVM_RUN to a shorter folder`);
    }
  }

  /** Makes the folders. Errors: the runtime folder is there and is not this user's alone. */
  prepare(): void {
    this.prepareHome();
    this.prepareRuntime();
  }

  /** What an enrolment needs: on an installed host the runtime folder is there with the service. */
  prepareHome(): void {
    for (const dir of [this.home, this.imagesDir, this.vmsDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Cheap enough for every start of a machine: /run and /tmp are cleaned by others. */
  prepareRuntime(): void {
    mkdirSync(this.runtime, { recursive: true, mode: 0o700 });
    const found = lstatSync(this.runtime);
    // In /tmp anybody can be there first; a link or a foreign folder would hand our machines' monitors over.
    const isOurs = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
    if (!isOurs) {
      throw new Error(`${this.runtime} is not a folder of this user alone (mode 0700): remove it, or set VOIDVM_RUN`);
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
      pidFile: join(dir, "qemu.pid"),
      qemuLog: join(dir, "qemu.log"),
      serialLog: join(dir, "serial.log"),
      sshHostKey: join(dir, "ssh-host-key.json"),
      sockets,
      qmp: join(sockets, "qmp.sock"),
      serial: join(sockets, "serial.sock"),
      vnc: join(sockets, "vnc.sock"),
      guestAgent: join(sockets, "ga.sock"),
    };
  }

  /** `version` tells one content of an image from another: disks are linked to this very path for as long as they live. */
  image(imageId: string, version: string): string {
    return join(this.imagesDir, `${ImageReference.shape.id.parse(imageId)}-${version.replaceAll(/[^a-z0-9]/g, "")}`);
  }
}

function defaultRuntime(home: string): string {
  const asked = process.env["VOIDVM_RUN"];
  if (asked) return asked;
  const name = createHash("sha256").update(home).digest("hex").slice(0, 8);
  const uid = process.getuid?.() ?? 0;
  // Not XDG_RUNTIME_DIR: it comes and goes with a login, and machines don't.
  return uid === 0 ? `/run/voidvm-${name}` : `/tmp/voidvm-${uid}-${name}`;
}
