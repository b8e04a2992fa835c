import { expect, it } from "vitest";
import { HostPaths } from "../../../agent/paths.ts";
import { qemuArguments } from "../../../agent/qemu/arguments.ts";
import { VmSpec } from "../../../protocol/operations.ts";

const vmId = "vm-01jd2v3k5m7n9p1q3r5s7t9v1w";
const spec = VmSpec.parse({
  cpu: 2,
  memory: 512,
  disk: 10,
  image: { id: "img-tiny", source: { from: "tiny" } },
  macAddress: "52:54:00:12:34:56",
  uuid: "8c5ff3fe-5a4f-4a3a-8ab6-7e2c4ad16dd0",
  network: "user",
  autostart: false,
});

function argumentsFor(accelerator: "kvm" | "tcg", home = "/home/v", runtime = "/run/v"): string[] {
  return qemuArguments({ vmId, spec, paths: new HostPaths(home, runtime).vm(vmId), accelerator });
}

function valueOf(args: readonly string[], flag: string): string | undefined {
  return args[args.indexOf(flag) + 1];
}

it("turns a spec into exactly these arguments", () => {
  const [dir, sockets] = [`/home/v/vms/${vmId}`, `/run/v/${vmId}`];
  const disk =
    `{"driver":"qcow2","node-name":"disk0","discard":"unmap",` +
    `"file":{"driver":"file","filename":"${dir}/disk.qcow2","locking":"on","discard":"unmap"}}`;
  const seed =
    `{"driver":"raw","node-name":"seed0","read-only":true,` +
    `"file":{"driver":"file","filename":"${dir}/seed.iso","locking":"on","read-only":true}}`;

  expect(argumentsFor("tcg")).toEqual([
    ...["-name", `${vmId},debug-threads=on`],
    ...["-nodefaults", "-no-user-config"],
    ...["-machine", "q35,vmport=off,dump-guest-core=off"],
    ...["-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.disable_s4=1"],
    ...["-accel", "tcg,thread=multi,tb-size=64", "-cpu", "max"],
    ...["-smp", "2", "-m", "512M"],
    ...["-uuid", "8c5ff3fe-5a4f-4a3a-8ab6-7e2c4ad16dd0"],
    ...["-blockdev", disk],
    ...["-device", "virtio-blk-pci,id=disk0-device,drive=disk0,bootindex=1,werror=stop,rerror=stop"],
    ...["-blockdev", seed],
    ...["-device", "virtio-blk-pci,id=seed0-device,drive=seed0"],
    ...["-netdev", "user,id=net0"],
    ...["-device", "virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,romfile="],
    ...["-device", "virtio-rng-pci", "-device", "virtio-balloon-pci,id=balloon0"],
    ...["-vga", "std", "-vnc", `unix:${sockets}/vnc.sock,share=ignore`],
    ...["-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent0,path=${sockets}/ga.sock,server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent0,name=org.qemu.guest_agent.0"],
    "-chardev",
    `socket,id=serial0,path=${sockets}/serial.sock,server=on,wait=off,logfile=${dir}/serial.log,logappend=on`,
    ...["-serial", "chardev:serial0"],
    ...["-chardev", `socket,id=qmp0,path=${sockets}/qmp.sock,server=on,wait=off`],
    ...["-mon", "chardev=qmp0,mode=control"],
    "-no-shutdown",
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-pidfile", `${dir}/qemu.pid`],
  ]);
});

it("uses the host's own processor with KVM", () => {
  const args = argumentsFor("kvm");

  expect([valueOf(args, "-accel"), valueOf(args, "-cpu")]).toEqual(["kvm", "host"]);
});

it("listens on no network address", () => {
  expect(argumentsFor("tcg").filter((argument) => /tcp|hostfwd|0\.0\.0\.0|:\d{4}/.test(argument))).toEqual([]);
});

it("keeps a comma in a folder's name from becoming an option", () => {
  const args = argumentsFor("tcg", "/home/a,readonly=off", "/run/b,wait=on");

  expect(valueOf(args, "-vnc")).toBe(`unix:/run/b,,wait=on/${vmId}/vnc.sock,share=ignore`);
  expect(args).toContain(
    `socket,id=serial0,path=/run/b,,wait=on/${vmId}/serial.sock,server=on,wait=off,` +
      `logfile=/home/a,,readonly=off/vms/${vmId}/serial.log,logappend=on`,
  );
  // These two are taken as they stand.
  expect(valueOf(args, "-pidfile")).toBe(`/home/a,readonly=off/vms/${vmId}/qemu.pid`);
  expect(valueOf(args, "-blockdev")).toContain(`"/home/a,readonly=off/vms/${vmId}/disk.qcow2"`);
});
