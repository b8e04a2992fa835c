/**
 * The virtual machine: its states, what may be done in which of them, and what a creation may ask for.
 *
 * `vmActions` is the only statement of the state rules. The API checks against it, the database's
 * conditional updates are made from it, and docs/vm-states.md is generated from it.
 */
import * as z from "zod";

export const VmStatus = z.enum([
  "creating",
  "stopped",
  "starting",
  "running",
  "paused",
  "stopping",
  "suspended",
  "deleting",
  "error",
]);
export type VmStatus = z.infer<typeof VmStatus>;

/** A status in which a machine stays until somebody acts. The others show an operation under way. */
export type SettledVmStatus = Exclude<VmStatus, "creating" | "starting" | "stopping">;

/** What a host sees of a machine's process. `shutdown` never leaves the host: it ends the process and says `stopped`. */
export const VmPower = z.enum(["stopped", "running", "paused"]);
export type VmPower = z.infer<typeof VmPower>;

export const VmAction = z.enum(["start", "stop", "restart", "pause", "resume", "reset", "delete"]);
export type VmAction = z.infer<typeof VmAction>;

interface ActionRule {
  /** Settled states in which the action is allowed. */
  readonly from: readonly SettledVmStatus[];
  /** What the machine shows while the action runs; null leaves what it shows. */
  readonly via: VmStatus | null;
  /** Where it ends when the host succeeds. */
  readonly to: SettledVmStatus;
}

export const vmActions: Readonly<Record<VmAction, ActionRule>> = {
  start: { from: ["stopped", "suspended", "error"], via: "starting", to: "running" },
  stop: { from: ["running", "paused", "error"], via: "stopping", to: "stopped" },
  restart: { from: ["running", "paused"], via: "stopping", to: "running" },
  pause: { from: ["running"], via: null, to: "paused" },
  resume: { from: ["paused"], via: null, to: "running" },
  reset: { from: ["running", "paused"], via: null, to: "running" },
  delete: { from: ["stopped", "suspended", "error"], via: "deleting", to: "deleting" },
};

/** With `force`, a machine that runs may be deleted too. */
export const forcedDeleteFrom: readonly SettledVmStatus[] = [...vmActions.delete.from, "running", "paused"];

/** What a machine's hardware may be changed in. What is suspended holds its memory as it was. */
export const updateFrom: readonly SettledVmStatus[] = ["stopped", "running", "paused", "error"];

export type VmRefusal =
  | "VM_ALREADY_RUNNING"
  | "VM_NOT_RUNNING"
  | "VM_ALREADY_PAUSED"
  | "VM_NOT_PAUSED"
  | "VM_RUNNING"
  | "VM_DELETING";

/** Why a machine in `status` may not do `action`: the code of the 409. Null where the rules allow it. */
export function vmRefusal(action: VmAction, status: SettledVmStatus, force = false): VmRefusal | null {
  const from = action === "delete" && force ? forcedDeleteFrom : vmActions[action].from;
  if (from.includes(status)) return null;
  if (status === "deleting") return "VM_DELETING";
  switch (action) {
    case "start":
      return "VM_ALREADY_RUNNING";
    case "pause":
      return status === "paused" ? "VM_ALREADY_PAUSED" : "VM_NOT_RUNNING";
    case "resume":
      return status === "running" ? "VM_NOT_PAUSED" : "VM_NOT_RUNNING";
    case "delete":
      return "VM_RUNNING";
    default:
      return "VM_NOT_RUNNING";
  }
}

/** Sizes that a machine may have. `memory` is MiB, `disk` GiB, `cpu` vCPUs. */
export const vmBounds = {
  cpu: { min: 1, max: 64 },
  memory: { min: 128, max: 1_048_576 },
  disk: { min: 1, max: 16_384 },
} as const;

/** 26 characters of Crockford's base 32, lower case: sortable by time of creation. */
export const VmId = z.string().regex(/^vm-[0-9a-hjkmnp-tv-z]{26}$/);

/** A name is an address too (`GET /vms/{name}`), so it has the alphabet of host names and never the form of an id. */
export const VmName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    "1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit",
  )
  .refine((name) => !VmId.safeParse(name).success, "must not have the form of an id");

const Hostname = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i, "letters, digits and '-'");

const SshKey = z
  .string()
  .max(8192)
  .regex(
    /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,3}( [\x20-\x7e]*)?$/,
    "an OpenSSH public key on one line",
  );

/** First boot settings, given to the guest as a NoCloud seed. Held by the host alone, never in the database after creation. */
export const CloudInit = z.strictObject({
  hostname: Hostname.optional(),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a Linux user name")
    .optional(),
  /** Plain text, printable; the guest's cloud-init hashes it. */
  password: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[\x20-\x7e]+$/, "printable ASCII")
    .optional(),
  sshKeys: z.array(SshKey).max(20).optional(),
  /** A whole `#cloud-config` document or script, in place of the one made from the other fields. At most 64 KiB. */
  userData: z.string().max(65_536).optional(),
});
export type CloudInit = z.infer<typeof CloudInit>;

export const Labels = z.record(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/),
  z
    .string()
    .max(255)
    // eslint-disable-next-line no-control-regex -- control characters are just what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/),
);

/** `spread`: the emptiest host first, so that a host that fails takes few along. `pack`: the fullest that has room. */
export const PlacementStrategy = z.enum(["spread", "pack"]);
export type PlacementStrategy = z.infer<typeof PlacementStrategy>;

/** What a machine asks of the host that it is made on. */
export const Placement = z.strictObject({
  /** The host has them all, with these values. */
  labels: Labels.optional(),
  /** Only where machines run with KVM, and not by emulation. */
  kvm: z.boolean().optional(),
  /** In place of the configuration's. */
  strategy: PlacementStrategy.optional(),
});
export type Placement = z.infer<typeof Placement>;

/** Body of `POST /vms`. Name, cpu, memory and disk are enough. */
export const VmCreate = z.strictObject({
  name: VmName,
  cpu: z.int().min(vmBounds.cpu.min).max(vmBounds.cpu.max),
  memory: z.int().min(vmBounds.memory.min).max(vmBounds.memory.max),
  disk: z.int().min(vmBounds.disk.min).max(vmBounds.disk.max),
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os: z.string().max(64).optional(),
  /** An image's id, in place of `os`. */
  image: z.string().max(64).optional(),
  /** Only an administrator may choose the host. */
  hostId: z.string().max(64).optional(),
  placement: Placement.optional(),
  description: z.string().max(1000).optional(),
  labels: Labels.optional(),
  autostart: z.boolean().optional(),
  protected: z.boolean().optional(),
  network: z.enum(["user"]).optional(),
  cloudInit: CloudInit.optional(),
  start: z.boolean().optional(),
});
export type VmCreate = z.infer<typeof VmCreate>;

/** Seconds that a guest has to power off where nobody says how many. */
export const defaultGraceSeconds = 30;

/** Body of `POST /vms/{id}/stop`. */
export const VmStop = z.strictObject({
  /** Cuts the power at once in place of pressing the button. */
  force: z.boolean().optional(),
  /** Seconds that the guest has to power off before the power is cut. */
  timeout: z.int().min(1).max(600).optional(),
});

/** Body of `POST /vms/{id}/restart`. */
export const VmRestart = z.strictObject({
  mode: z.enum(["graceful", "force"]).optional(),
  timeout: z.int().min(1).max(600).optional(),
});

/** Body of `PATCH /vms/{id}` and `PUT /vms/{id}/config`: what it doesn't name stays as it is. */
export const VmUpdate = z.strictObject({
  name: VmName.optional(),
  description: z.string().max(1000).optional(),
  /** All of them: what is not in it is gone. */
  labels: Labels.optional(),
  autostart: z.boolean().optional(),
  protected: z.boolean().optional(),
  cpu: VmCreate.shape.cpu.optional(),
  memory: VmCreate.shape.memory.optional(),
  /** A disk grows and never shrinks. */
  disk: VmCreate.shape.disk.optional(),
});
export type VmUpdate = z.infer<typeof VmUpdate>;
