/** `/vms`: create machines and act on them. Slow work answers 202 and an operation. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { acceptOperation, type Acceptance } from "../../db/operations.ts";
import { findVm, listVms, type VmSort, vmSorts } from "../../db/vms.ts";
import { isAllowedInMaintenance, operationInputs, type OperationKind } from "../../protocol/operations.ts";
import { PageQuery } from "../../protocol/rest.ts";
import {
  defaultGraceSeconds,
  forcedDeleteFrom,
  type VmAction,
  vmActions,
  VmCreate,
  VmRestart,
  vmRefusal,
  VmStatus,
  VmStop,
  VmUpdate,
} from "../../protocol/vm.ts";
import { createVm } from "../create-vm.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { assertMatches, hasPrecondition, okTagged } from "../etag.ts";
import { newId } from "../ids.ts";
import { hostInMaintenance } from "../host-in-maintenance.ts";
import { languageOf } from "../language.ts";
import { ownerOf } from "../owner.ts";
import { changeVm } from "../update-vm.ts";
import { body, query } from "../validate.ts";
import { toOperation, toPagination, toVm } from "../views.ts";
import { vmNotFound } from "../vm-not-found.ts";
import { preferredWait, waitForEnd, wakeHost } from "../wait.ts";

const sortFields = Object.keys(vmSorts) as [VmSort, ...VmSort[]];

const ListQuery = PageQuery.extend({
  status: VmStatus.optional(),
  host: z.string().max(64).optional(),
  /** `key` or `key=value`. */
  label: z.string().max(320).optional(),
  search: z.string().max(100).optional(),
  /** A field, with `-` before it for descending. */
  sort: z.enum([...sortFields, ...sortFields.map((field) => `-${field}` as const)]).default("-createdAt"),
});

const DeleteQuery = z.strictObject({ force: z.enum(["true", "false"]).optional() });
const Nothing = z.strictObject({});

export const vms = new Hono<AppEnv>()
  .get("/", query(ListQuery), async (c) => {
    const { page, limit, sort, label, ...filter } = c.req.valid("query");
    const { views, total } = await listVms(c.env.DB, ownerOf(c), {
      ...filter,
      page,
      limit,
      label: label === undefined ? undefined : parseLabel(label),
      sort: { by: sort.replace("-", "") as VmSort, descending: sort.startsWith("-") },
    });
    const language = languageOf(c);
    return ok(c, { vms: views.map((view) => toVm(view, language)), pagination: toPagination(page, limit, total) });
  })
  .post("/", body(VmCreate), async (c) => {
    const { view, operation, dispatch } = await createVm(c, c.req.valid("json"));
    wakeHost(c, operation, dispatch);
    c.header("Location", `/api/v1/vms/${view.vm.id}`);
    const wait = preferredWait(c);
    if (wait === 0) return ok(c, toVm(view, languageOf(c)), 201);
    const ended = await waitForEnd(c, operation, wait);
    c.header("Preference-Applied", `wait=${wait}`);
    const fresh = (await findVm(c.env.DB, ownerOf(c), view.vm.id)) ?? view;
    return ok(c, toVm(fresh, languageOf(c), ended), 201);
  })
  .get("/:id", async (c) => {
    const view = await findVm(c.env.DB, ownerOf(c), c.req.param("id"));
    if (!view) throw vmNotFound(c.req.param("id"));
    return okTagged(c, toVm(view, languageOf(c)));
  })
  .patch("/:id", body(VmUpdate), (c) => update(c, c.req.param("id"), c.req.valid("json")))
  .put("/:id/config", body(VmUpdate), (c) => update(c, c.req.param("id"), c.req.valid("json")))
  .delete("/:id", query(DeleteQuery), (c) =>
    act(c, c.req.param("id"), "delete", {}, c.req.valid("query").force === "true"),
  )
  .post("/:id/start", body(Nothing), (c) => act(c, c.req.param("id"), "start", {}))
  .post("/:id/stop", body(VmStop), (c) => {
    const { force = false, timeout = defaultGraceSeconds } = c.req.valid("json");
    return act(c, c.req.param("id"), "stop", { graceMs: force ? 0 : timeout * 1000 });
  })
  .post("/:id/restart", body(VmRestart), (c) => {
    const { mode = "graceful", timeout = defaultGraceSeconds } = c.req.valid("json");
    return act(c, c.req.param("id"), "restart", { graceMs: mode === "force" ? 0 : timeout * 1000 });
  })
  .post("/:id/pause", body(Nothing), (c) => act(c, c.req.param("id"), "pause", {}))
  .post("/:id/resume", body(Nothing), (c) => act(c, c.req.param("id"), "resume", {}))
  .post("/:id/reset", body(Nothing), (c) => act(c, c.req.param("id"), "reset", {}));

/** Accepts the action if the state rules allow it, and answers the operation with its machine. */
async function act(c: Context<AppEnv>, idOrName: string, action: VmAction, input: object, force = false) {
  const kind: OperationKind = `vm.${action}`;
  await assertUnchanged(c, idOrName);
  const acceptance = await acceptOperation(
    c.env.DB,
    ownerOf(c),
    idOrName,
    action === "delete" && force ? forcedDeleteFrom : vmActions[action].from,
    {
      id: c.var.claim?.operationId ?? newId("op"),
      kind,
      input: operationInputs[kind].parse(input),
      userId: c.var.caller.id,
      requestId: c.var.requestId,
      createdAt: new Date().toISOString(),
      audit: c.var.auditNote,
    },
  );
  const { view, operation } = assertAccepted(acceptance, idOrName, action, force);
  wakeHost(c, operation, acceptance.dispatch);

  const language = languageOf(c);
  const wait = preferredWait(c);
  if (wait === 0) return ok(c, { ...toOperation(operation, language), vm: toVm(view, language) }, 202);
  const ended = await waitForEnd(c, operation, wait);
  c.header("Preference-Applied", `wait=${wait}`);
  const fresh = await findVm(c.env.DB, ownerOf(c), view.vm.id);
  const data = { ...toOperation(ended, language), vm: fresh && toVm(fresh, language) };
  return ok(c, data, ended.finishedAt === null ? 202 : 200);
}

function assertAccepted({ view, operation, pending }: Acceptance, idOrName: string, action: VmAction, force: boolean) {
  if (!view) throw vmNotFound(idOrName);
  if (operation) return { view, operation };
  const { vm, settled } = view;
  const refusal = vmRefusal(action, settled, force);
  if (refusal) throw new ApiError(refusal, `'${vm.name}' is or will be ${settled}, which does not allow ${action}`);
  if (action === "delete" && vm.protected)
    throw new ApiError("VM_PROTECTED", `'${vm.name}' is protected from deletion`);
  if (view.host.maintenance && !isAllowedInMaintenance(`vm.${action}`)) throw hostInMaintenance(view);
  throw new ApiError("TOO_MANY_OPERATIONS", `${pending} operations of '${vm.name}' wait already`, { retryAfter: 5 });
}

/** Only for who asks for it: an action is judged by the state rules, and needs no read before. */
async function assertUnchanged(c: Context<AppEnv>, idOrName: string): Promise<void> {
  if (!hasPrecondition(c)) return;
  const view = await findVm(c.env.DB, ownerOf(c), idOrName);
  if (!view) throw vmNotFound(idOrName);
  await assertMatches(c, toVm(view, languageOf(c)));
}

/** 200 where the change is made, 202 where the host has still to make it. */
async function update(c: Context<AppEnv>, idOrName: string, wanted: VmUpdate) {
  const { view, operation, requiresRestart } = await changeVm(c, idOrName, wanted);
  const language = languageOf(c);
  if (!operation) return okTagged(c, { ...toVm(view, language), requiresRestart });
  wakeHost(c, operation);
  const wait = preferredWait(c);
  if (wait === 0) return ok(c, { ...toVm(view, language, operation), requiresRestart }, 202);
  const ended = await waitForEnd(c, operation, wait);
  c.header("Preference-Applied", `wait=${wait}`);
  const fresh = (await findVm(c.env.DB, ownerOf(c), view.vm.id)) ?? view;
  const data = { ...toVm(fresh, language, ended), requiresRestart };
  return ok(c, data, ended.finishedAt === null ? 202 : 200);
}

function parseLabel(label: string): { key: string; value?: string } {
  const [key = "", ...rest] = label.split("=");
  return rest.length === 0 ? { key } : { key, value: rest.join("=") };
}
