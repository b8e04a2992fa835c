import type { VmView } from "../db/vms.ts";
import { ApiError } from "./errors.ts";

export function hostInMaintenance({ vm, host }: VmView): ApiError {
  return new ApiError("HOST_MAINTENANCE", `'${vm.name}' is on '${host.name}', which is in maintenance`);
}
