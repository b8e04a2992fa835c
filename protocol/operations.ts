/**
 * The closed vocabulary of what an edge may ask of a host: one schema of arguments a kind.
 *
 * No kind carries a command line, a path or a raw QMP command. The agent validates with these schemas again
 * what the edge validated, because a compromised edge must not become a shell on the host.
 */
import * as z from "zod";
import { CloudInit, type SettledVmStatus, type VmAction, VmId, VmPower, vmActions, vmBounds } from "./vm.ts";

/** Where a host gets an image from, and what it must turn out to be. */
export const ImageSource = z.discriminatedUnion("from", [
  /** The project's own image, built on the host from Debian packages. */
  z.strictObject({ from: z.literal("tiny") }),
  z.strictObject({
    from: z.literal("url"),
    url: z.url({ protocol: /^https?$/ }),
    /** Either the digest itself, or the publisher's list of digests that names the file. */
    checksum: z.strictObject({
      algorithm: z.enum(["sha256", "sha512"]),
      digest: z
        .string()
        .regex(/^[0-9a-f]{64,128}$/)
        .optional(),
      listUrl: z.url({ protocol: /^https?$/ }).optional(),
    }),
    format: z.enum(["qcow2", "raw"]),
  }),
]);
export type ImageSource = z.infer<typeof ImageSource>;

export const ImageReference = z.strictObject({
  id: z.string().regex(/^img-[a-z0-9][a-z0-9.-]{0,60}$/),
  source: ImageSource,
});
export type ImageReference = z.infer<typeof ImageReference>;

/** What a host must know to run a machine. Names given by people are not in it. */
export const VmSpec = z.strictObject({
  cpu: z.int().min(vmBounds.cpu.min).max(vmBounds.cpu.max),
  /** MiB. */
  memory: z.int().min(vmBounds.memory.min).max(vmBounds.memory.max),
  /** GiB. */
  disk: z.int().min(vmBounds.disk.min).max(vmBounds.disk.max),
  image: ImageReference,
  /** Locally administered, unique in the fleet. */
  macAddress: z.string().regex(/^52:54:00(:[0-9a-f]{2}){3}$/),
  /** SMBIOS UUID. */
  uuid: z.uuid(),
  network: z.enum(["user"]),
  autostart: z.boolean(),
});
export type VmSpec = z.infer<typeof VmSpec>;

const Grace = {
  /** How long the guest has to obey the power button before QEMU is ended, in ms. */
  graceMs: z.int().min(0).max(600_000),
};

/** What of a machine can be changed on its host. */
export const VmHardware = VmSpec.pick({ cpu: true, memory: true, disk: true, autostart: true });
export type VmHardware = z.infer<typeof VmHardware>;

export const operationInputs = {
  "vm.create": z.strictObject({
    spec: VmSpec,
    hostname: z.string().max(63),
    cloudInit: CloudInit.nullable(),
    start: z.boolean(),
  }),
  "vm.start": z.strictObject({}),
  "vm.stop": z.strictObject(Grace),
  "vm.restart": z.strictObject(Grace),
  "vm.pause": z.strictObject({}),
  "vm.resume": z.strictObject({}),
  "vm.reset": z.strictObject({}),
  "vm.delete": z.strictObject({}),
  /** `before` is what the edge shows again if the host fails. A disk never shrinks. */
  "vm.update": VmHardware.extend({ before: VmHardware }).refine(({ disk, before }) => disk >= before.disk, {
    path: ["disk"],
    message: "a disk never shrinks",
  }),
} as const;

export type OperationKind = keyof typeof operationInputs;
export type OperationInput<K extends OperationKind = OperationKind> = z.infer<(typeof operationInputs)[K]>;

export const operationKinds = Object.keys(operationInputs) as [OperationKind, ...OperationKind[]];
export const OperationKind = z.enum(operationKinds);

export const OperationStatus = z.enum(["queued", "running", "succeeded", "failed", "cancelled", "unknown"]);
export type OperationStatus = z.infer<typeof OperationStatus>;

/** While its host is in maintenance, a machine can only be put away. */
export function isAllowedInMaintenance(kind: OperationKind): boolean {
  return kind === "vm.stop" || kind === "vm.delete";
}

/** What the machine shows while an operation of this kind runs; null leaves what it shows. */
export function statusDuring(kind: OperationKind) {
  if (kind === "vm.update") return null;
  return kind === "vm.create" ? "creating" : vmActions[actionOf(kind)].via;
}

/** Where the machine is once the operation succeeds; null: where it was. */
export function statusAfter(kind: OperationKind, input: unknown): SettledVmStatus | null {
  if (kind === "vm.update") return null;
  if (kind !== "vm.create") return vmActions[actionOf(kind)].to;
  return (input as OperationInput<"vm.create">).start ? "running" : "stopped";
}

function actionOf(kind: Exclude<OperationKind, "vm.create" | "vm.update">): VmAction {
  return kind.slice("vm.".length) as VmAction;
}

/** A machine as its host sees it. Null power: the host has no such machine. */
export const VmReport = z.strictObject({
  vmId: VmId,
  generation: z.int().min(1),
  power: VmPower,
  /** Null unless the process runs. `startTicks` is field 22 of /proc/PID/stat: with it a pid is never mistaken for another. */
  pid: z.int().nullable(),
  startTicks: z.int().nullable(),
  accelerator: z.enum(["kvm", "tcg"]).nullable(),
  /** Set while the machine is not well: QEMU died by itself, or its disk is full. */
  fault: z.enum(["crashed", "no-space"]).nullable(),
});
export type VmReport = z.infer<typeof VmReport>;
