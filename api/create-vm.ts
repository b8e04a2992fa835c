/** From the body of `POST /vms` to a machine on a host, or to the reason why there is none. */
import type { Context } from "hono";
import { type CreationQuestion, insertVm, readCreationFacts } from "../db/create-vm.ts";
import { findImage, findImageByOs } from "../db/images.ts";
import { findOperation } from "../db/operations.ts";
import type { PlanLimits } from "../db/quotas.ts";
import type { Dispatch } from "../db/pending.ts";
import type { OperationRow } from "../db/schema.ts";
import { findVm, type VmView } from "../db/vms.ts";
import { catalogue, type CatalogueImage } from "../protocol/catalogue.ts";
import { operationInputs, type OperationInput } from "../protocol/operations.ts";
import type { VmCreate } from "../protocol/vm.ts";
import { assertQuota } from "./assert-quota.ts";
import { currentConfig } from "./config.ts";
import type { AppEnv } from "./env.ts";
import { ApiError, badField } from "./errors.ts";
import { newId, newMacAddress } from "./ids.ts";
import { ownerOf } from "./owner.ts";
import { type Demand, explainRefusals, placeVm } from "./placement.ts";

/** Each is one batch of D1. */
const maxTries = 8;

/** Errors: 400 for what makes no sense, QUOTA_EXCEEDED, NAME_TAKEN, HOST_OFFLINE, INSUFFICIENT_CAPACITY. */
export async function createVm(
  c: Context<AppEnv>,
  wanted: VmCreate,
): Promise<{ view: VmView; operation: OperationRow; dispatch: Dispatch | null }> {
  const { caller, requestId } = c.var;
  if (wanted.hostId !== undefined && caller.role !== "admin") {
    throw badField("hostId", "only an administrator may choose the host");
  }
  const before = await madeBefore(c);
  if (before) return before;
  const config = await currentConfig(c);
  const image = await imageOf(c, wanted, config.defaults.os);
  if (wanted.disk < image.minDisk) throw badField("disk", `${image.os} needs at least ${image.minDisk} GiB`);
  if (wanted.disk > config.storage.maxDisk) throw badField("disk", `at most ${config.storage.maxDisk} GiB`);
  const network = wanted.network ?? config.network.defaultMode;

  const { labels = {}, kvm = false, strategy = config.placement.strategy } = wanted.placement ?? {};
  const demand = { cpu: wanted.cpu, memory: wanted.memory, disk: wanted.disk, labels, kvm, strategy };
  const question = { ownerId: caller.id, name: wanted.name, imageId: image.id, hostId: wanted.hostId };
  const id = newId("vm");
  for (const { id: hostId } of await candidateHosts(c, question, demand, config.limits)) {
    const macAddress = newMacAddress();
    const made = await insertVm(
      c.env.DB,
      {
        id,
        name: wanted.name,
        description: wanted.description ?? "",
        ownerId: caller.id,
        hostId,
        cpu: wanted.cpu,
        memory: wanted.memory,
        disk: wanted.disk,
        os: image.os,
        imageId: image.id,
        network,
        macAddress,
        autostart: wanted.autostart ?? false,
        protected: wanted.protected ?? false,
        labels: wanted.labels ?? {},
      },
      demand,
      {
        id: c.var.claim?.operationId ?? newId("op"),
        kind: "vm.create",
        input: orderOf({ ...wanted, network }, image, macAddress),
        userId: caller.id,
        requestId,
        createdAt: new Date().toISOString(),
        audit: c.var.auditNote,
      },
      config.limits,
    );
    if (made?.view.operation) return { ...made, operation: made.view.operation };
  }
  // Somebody took the last place between the read and the insert; the read now tells which one it was.
  await candidateHosts(c, question, demand, config.limits);
  throw new ApiError("UNAVAILABLE", "Too many creations at once: try again", { retryAfter: 1 });
}

/** What an earlier try of the same request made, if the edge died before it could keep the answer. */
async function madeBefore(c: Context<AppEnv>) {
  if (!c.var.claim?.again) return null;
  const operation = await findOperation(c.env.DB, ownerOf(c), c.var.claim.operationId);
  const view = operation && (await findVm(c.env.DB, ownerOf(c), operation.vmId));
  return view ? { view, operation, dispatch: null } : null;
}

/** The best of them, the first to be tried first: of many creations that race for one host, most go to the next. */
async function candidateHosts(c: Context<AppEnv>, question: CreationQuestion, demand: Demand, plan: PlanLimits) {
  const { name, hostId } = question;
  const facts = await readCreationFacts(c.env.DB, question, plan);
  if (!facts.mayCreate) throw new ApiError("UNAUTHENTICATED", "The token's user is gone or disabled");
  if (facts.nameTaken) throw new ApiError("NAME_TAKEN", `You have a machine named '${name}' already`);
  const { cpu, memory, disk } = demand;
  assertQuota(facts.quotas, { vms: 1, cpu, memory, disk });
  if (hostId !== undefined && facts.hosts.length === 0) throw badField("hostId", "there is no such host");
  const { candidates, refused } = placeVm(facts.hosts, demand);
  if (candidates.length > 0) return candidates.slice(0, maxTries);
  if (!facts.hosts.some(({ status }) => status === "online")) {
    const why = facts.hosts.length === 0 ? "No host has joined yet" : "No host is online";
    throw new ApiError("HOST_OFFLINE", `${why}; nothing was created`, { retryAfter: 10 });
  }
  const size = `${cpu} vCPUs, ${memory} MiB and ${disk} GiB`;
  throw new ApiError("INSUFFICIENT_CAPACITY", `No host can take ${size}. ${explainRefusals(refused)}`);
}

async function imageOf(c: Context<AppEnv>, { os, image }: VmCreate, defaultOs: string): Promise<CatalogueImage> {
  if (image !== undefined) {
    const found = await findImage(c.env.DB, image);
    if (!found) throw badField("image", "there is no image with this id: see GET /api/v1/images");
    if (os !== undefined && os !== found.os)
      throw badField("os", `image ${image} is ${found.os}: leave one of them out`);
    return found;
  }
  const found = await findImageByOs(c.env.DB, os ?? defaultOs);
  if (!found) throw badField("os", `must be ${catalogue.map((entry) => entry.os).join(", ")} or an image's own`);
  return found;
}

function orderOf(wanted: VmCreate, image: CatalogueImage, macAddress: string): OperationInput<"vm.create"> {
  const { cpu, memory, disk, network = "user", autostart = false, cloudInit = null, start = false } = wanted;
  return operationInputs["vm.create"].parse({
    spec: {
      ...{ cpu, memory, disk, network, autostart, macAddress },
      image: { id: image.id, source: image.source },
      uuid: crypto.randomUUID(),
    },
    hostname: cloudInit?.hostname ?? hostnameOf(wanted.name),
    cloudInit,
    start,
  });
}

/** A machine's name has dots and underscores that a host name must not have. */
function hostnameOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "vm";
}
