/** What the environment says about an agent; on an installed host it is /etc/voidvm/agent.env. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { AcceleratorWish } from "./host-facts.ts";

export interface Settings {
  readonly home: string;
  readonly edge: string | undefined;
  readonly enrolmentToken: string | undefined;
  readonly accelerator: AcceleratorWish;
  readonly allowEmulation: boolean;
  readonly allowPrivateAddresses: boolean;
  /** In place of the kernel's, where a test makes the host restart. */
  readonly bootId: string | undefined;
}

/** Errors: `Error` where a variable has a value that it can't have. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const accelerator = env["VOIDVM_ACCEL"] ?? "auto";
  if (accelerator !== "auto" && accelerator !== "kvm" && accelerator !== "tcg") {
    throw new Error(`VOIDVM_ACCEL is '${accelerator}': use auto, kvm or tcg`);
  }
  return {
    home: resolve(env["VOIDVM_AGENT_HOME"] ?? join(homedir(), ".voidvm", "agent")),
    edge: env["VOIDVM_EDGE"],
    enrolmentToken: env["VOIDVM_ENROLMENT_TOKEN"],
    accelerator,
    allowEmulation: env["VOIDVM_ALLOW_EMULATION"] === "1",
    allowPrivateAddresses: env["VOIDVM_ALLOW_PRIVATE_IMAGES"] === "1",
    bootId: env["VOIDVM_BOOT_ID"],
  };
}
