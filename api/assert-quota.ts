/** Says which quota stands in the way. */
import type { CreationFacts } from "../db/create-vm.ts";
import type { Quota } from "../db/quotas.ts";
import { ApiError } from "./errors.ts";

const units: Readonly<Record<Quota, string>> = { vms: "machines", cpu: "vCPUs", memory: "MiB", disk: "GiB of disk" };

/** `more` of each. Errors: QUOTA_EXCEEDED. */
export function assertQuota(quotas: CreationFacts["quotas"], more: Readonly<Record<Quota, number>>): void {
  for (const what of Object.keys(units) as Quota[]) {
    const { used, bound } = quotas[what];
    if (bound === null || more[what] <= 0 || used + more[what] <= bound) continue;
    const details = `You have ${used} of ${bound} ${units[what]}, and this takes ${more[what]} more`;
    throw new ApiError("QUOTA_EXCEEDED", `${details}: delete something, or ask for another plan`);
  }
}
