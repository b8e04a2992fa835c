/** `/operations`: what was asked for and how it went. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { findOperation, listOperations } from "../../db/operations.ts";
import type { OperationView } from "../../db/operation-view.ts";
import { OperationKind, OperationStatus } from "../../protocol/operations.ts";
import { PageQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError, badField } from "../errors.ts";
import { okTagged } from "../etag.ts";
import { languageOf } from "../language.ts";
import { ownerOf } from "../owner.ts";
import { body, query } from "../validate.ts";
import { toOperation, toPagination } from "../views.ts";
import { maxWaitSeconds, waitForEnd } from "../wait.ts";

const OneOrMore = z.union([z.string(), z.array(z.string()).max(100)]).transform((value) => [value].flat());

const ListQuery = PageQuery.extend({
  id: OneOrMore.optional(),
  vmId: z.string().max(64).optional(),
  status: OperationStatus.optional(),
  kind: OperationKind.optional(),
  /** An operation's id: those that were accepted after it, oldest first, so that nothing is missed while the list grows. */
  after: z.string().max(64).optional(),
  sort: z.enum(["createdAt", "-createdAt"]).optional(),
});

/** Seconds to wait for the end; one long poll is one request. */
const ReadQuery = z.strictObject({ wait: z.coerce.number().int().min(0).max(maxWaitSeconds).default(0) });

const Nothing = z.strictObject({});

export const operations = new Hono<AppEnv>()
  .get("/", query(ListQuery), async (c) => {
    const { id: ids, sort, page, limit, ...filter } = c.req.valid("query");
    const descending = sort === undefined ? filter.after === undefined : sort.startsWith("-");
    const { rows, total, isAfterKnown } = await listOperations(c.env.DB, ownerOf(c), {
      ...filter,
      ids,
      descending,
      page,
      limit,
    });
    if (!isAfterKnown) throw badField("after", "there is no such operation");
    const language = languageOf(c);
    return ok(c, {
      operations: rows.map((row) => toOperation(row, language)),
      pagination: toPagination(page, limit, total),
    });
  })
  .get("/:id", query(ReadQuery), async (c) => {
    const operation = await requireOperation(c, c.req.param("id"));
    const shown = await waitForEnd(c, operation, c.req.valid("query").wait);
    return okTagged(c, toOperation(shown, languageOf(c)));
  })
  .post("/:id/cancel", body(Nothing), async (c) => {
    const operation = await requireOperation(c, c.req.param("id"));
    const { id, hostId, seq, kind, vmId, generation, createdAt, finishedAt } = operation;
    const order = { seq, id, kind, vmId, generation, input: null, createdAt };
    const result = finishedAt === null ? await c.env.HOST_LINK.getByName(hostId).cancel(hostId, order) : "ended";
    switch (result) {
      case "ended":
        throw new ApiError("OPERATION_ENDED", `Operation '${id}' has ended: there is nothing to cancel`);
      case "too-late":
        throw new ApiError("OPERATION_RUNNING", `Operation '${id}' has begun and tells its end itself`);
      case "unreachable":
        throw new ApiError("HOST_OFFLINE", `Operation '${id}' is with its host, which does not answer`, {
          retryAfter: 10,
        });
      case "cancelled":
        return ok(c, toOperation(await requireOperation(c, id), languageOf(c)));
    }
  });

async function requireOperation(c: Context<AppEnv>, id: string): Promise<OperationView> {
  const operation = await findOperation(c.env.DB, ownerOf(c), id);
  if (!operation) throw new ApiError("OPERATION_NOT_FOUND", `Operation with ID '${id.slice(0, 100)}' was not found`);
  return operation;
}
