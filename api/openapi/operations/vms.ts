import * as z from "zod";
import type { ErrorCode } from "../../../protocol/errors.ts";
import { Operation, Pagination, Vm } from "../../../protocol/rest.ts";
import type { OperationDoc, OperationDocs } from "../operation.ts";

/** An operation with the machine that it acts on; null once that is deleted. */
const OperationWithVm = Operation.extend({ vm: Vm.nullable() });

const UpdatedVm = Vm.extend({ requiresRestart: z.boolean() });

export const vmDocs = {
  "GET /vms": {
    id: "listVms",
    tag: "Virtual machines",
    summary: "List machines",
    description: "One's own; all of them for an administrator.",
    answers: {
      200: { description: "A page of them.", data: z.object({ vms: z.array(Vm), pagination: Pagination }) },
    },
  },
  "POST /vms": {
    id: "createVm",
    tag: "Virtual machines",
    summary: "Create a machine",
    description:
      "Name, cpu, memory and disk are enough. `start` lets it run as soon as it is there. `placement` says which hosts will do.",
    waits: true,
    answers: {
      201: {
        description: "The machine, with the operation that creates it.",
        data: Vm,
        headers: ["Location", "Preference-Applied"],
      },
    },
    errors: ["QUOTA_EXCEEDED", "NAME_TAKEN", "HOST_OFFLINE", "UNAVAILABLE", "INSUFFICIENT_CAPACITY"],
    example: { name: "web-1", cpu: 2, memory: 2048, disk: 20, os: "ubuntu24.04", start: true },
  },
  "GET /vms/:id": {
    id: "getVm",
    tag: "Virtual machines",
    summary: "Read a machine",
    answers: { 200: { description: "The machine.", data: Vm, headers: ["ETag"] } },
    errors: ["VM_NOT_FOUND"],
  },
  "PATCH /vms/:id": update(
    "updateVm",
    "Change a machine",
    "A disk only grows. `requiresRestart` tells whether a running machine takes the change with its next start.",
  ),
  "PUT /vms/:id/config": update(
    "putVmConfig",
    "Change a machine (older clients)",
    "The same as `PATCH /vms/{id}`, for clients of the older interface.",
  ),
  "DELETE /vms/:id": action("deleteVm", "Delete a machine", ["VM_RUNNING", "VM_PROTECTED"], {
    description: "With its disk. `force=true` deletes one that runs.",
  }),
  "POST /vms/:id/start": action("startVm", "Start a machine", ["VM_ALREADY_RUNNING"]),
  "POST /vms/:id/stop": action("stopVm", "Stop a machine", ["VM_NOT_RUNNING"], {
    description: "Presses the power button, and cuts the power where the guest does not obey in time.",
    example: { timeout: 60 },
  }),
  "POST /vms/:id/restart": action("restartVm", "Restart a machine", ["VM_NOT_RUNNING"], {
    description: "In a new process: what needs a restart has taken effect afterwards.",
    example: { mode: "graceful" },
  }),
  "POST /vms/:id/pause": action("pauseVm", "Pause a machine", ["VM_NOT_RUNNING", "VM_ALREADY_PAUSED"], {
    description: "Halts its vCPUs. It keeps its memory.",
  }),
  "POST /vms/:id/resume": action("resumeVm", "Resume a paused machine", ["VM_NOT_RUNNING", "VM_NOT_PAUSED"]),
  "POST /vms/:id/reset": action("resetVm", "Reset a machine", ["VM_NOT_RUNNING"], {
    description: "As its reset button would: in the same process, without asking the guest.",
  }),
} as const satisfies OperationDocs;

function update(id: string, summary: string, description: string): OperationDoc {
  return {
    id,
    tag: "Virtual machines",
    summary,
    description,
    waits: true,
    conditional: true,
    answers: {
      200: { description: "The change is made.", data: UpdatedVm, headers: ["ETag", "Preference-Applied"] },
      202: { description: "The host has still to make it.", data: UpdatedVm, headers: ["Preference-Applied"] },
    },
    errors: [
      ...(["VM_NOT_FOUND", "NAME_TAKEN", "VM_DELETING", "VM_SUSPENDED", "VM_UPDATE_PENDING"] as const),
      "HOST_MAINTENANCE",
      ...(["TOO_MANY_OPERATIONS", "QUOTA_EXCEEDED", "INSUFFICIENT_CAPACITY", "UNAVAILABLE"] as const),
    ],
    example: { cpu: 4, memory: 4096, labels: { tier: "web" } },
  };
}

function action(
  id: string,
  summary: string,
  errors: readonly ErrorCode[],
  more: Partial<OperationDoc> = {},
): OperationDoc {
  return {
    id,
    tag: "Virtual machines",
    summary,
    waits: true,
    conditional: true,
    answers: {
      200: { description: "The operation has ended.", data: OperationWithVm, headers: ["Preference-Applied"] },
      202: { description: "The operation was accepted.", data: OperationWithVm, headers: ["Preference-Applied"] },
    },
    errors: ["VM_NOT_FOUND", "VM_DELETING", "TOO_MANY_OPERATIONS", ...errors, ...maintenance(id)],
    ...more,
  };
}

/** Stopping and deleting go on. */
function maintenance(id: string): ErrorCode[] {
  return id === "stopVm" || id === "deleteVm" ? [] : ["HOST_MAINTENANCE"];
}
