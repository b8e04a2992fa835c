/**
 * From a machine's spec to QEMU's arguments. Pure: the same spec gives the same arguments.
 *
 * All paths are absolute, since QEMU runs in /. Disks are JSON with the format written out: a guest can
 * write any header into its disk, so a format is never guessed.
 */
import type { VmSpec } from "../../protocol/operations.ts";
import type { VmPaths } from "../paths.ts";

export interface QemuOptions {
  readonly vmId: string;
  readonly spec: VmSpec;
  readonly paths: VmPaths;
  readonly accelerator: "kvm" | "tcg";
}

export function qemuArguments({ vmId, spec, paths, accelerator }: QemuOptions): string[] {
  return [
    ...["-name", `${vmId},debug-threads=on`],
    ...["-nodefaults", "-no-user-config"],
    // A core file would hold all of the guest's memory.
    ...["-machine", "q35,vmport=off,dump-guest-core=off"],
    // A guest that put itself to sleep would look paused, and nothing here would wake it.
    ...["-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.disable_s4=1"],
    // Without tb-size the translation cache alone may take a gigabyte.
    ...(accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi,tb-size=64", "-cpu", "max"]),
    ...["-smp", `${spec.cpu}`],
    ...["-m", `${spec.memory}M`],
    ...["-uuid", spec.uuid],
    ...disks(paths),
    ...["-netdev", "user,id=net0"],
    // Without its option ROM the card does not try to boot from the network, which takes a second.
    ...["-device", `virtio-net-pci,netdev=net0,mac=${spec.macAddress},romfile=`],
    ...["-device", "virtio-rng-pci"],
    ...["-device", "virtio-balloon-pci,id=balloon0"],
    ...["-vga", "std"],
    // A viewer that asks to be the only one gets in, and cuts nobody off.
    ...["-vnc", `unix:${comma(paths.vnc)},share=ignore`],
    ...["-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent0,path=${comma(paths.guestAgent)},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent0,name=org.qemu.guest_agent.0"],
    ...["-chardev", serial(paths)],
    ...["-serial", "chardev:serial0"],
    ...["-chardev", `socket,id=qmp0,path=${comma(paths.qmp)},server=on,wait=off`],
    ...["-mon", "chardev=qmp0,mode=control"],
    // After a power-off from inside QEMU stays until the agent has seen it: a process that is gone has crashed.
    "-no-shutdown",
    // What breaks out of the device model can start no program and gain no rights.
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-pidfile", paths.pidFile],
  ];
}

function disks(paths: VmPaths): string[] {
  const disk = {
    driver: "qcow2",
    "node-name": "disk0",
    discard: "unmap",
    file: { driver: "file", filename: paths.disk, locking: "on", discard: "unmap" },
  };
  const seed = {
    driver: "raw",
    "node-name": "seed0",
    "read-only": true,
    file: { driver: "file", filename: paths.seed, locking: "on", "read-only": true },
  };
  return [
    ...["-blockdev", JSON.stringify(disk)],
    // A full disk of the host pauses the machine; an error handed to the guest would damage its file system.
    ...["-device", "virtio-blk-pci,id=disk0-device,drive=disk0,bootindex=1,werror=stop,rerror=stop"],
    ...["-blockdev", JSON.stringify(seed)],
    ...["-device", "virtio-blk-pci,id=seed0-device,drive=seed0"],
  ];
}

function serial(paths: VmPaths): string {
  const log = `logfile=${comma(paths.serialLog)},logappend=on`;
  return `socket,id=serial0,path=${comma(paths.serial)},server=on,wait=off,${log}`;
}

/** In QEMU's own option syntax a comma is written twice. */
function comma(path: string): string {
  return path.replaceAll(",", ",,");
}
