/** `/operations`: what was asked for and how it went. */
import { Hono } from "hono";
import { z } from "zod";
import { findOperation, listOperations } from "../../db/operations.ts";
import { OperationKind, OperationStatus } from "../../protocol/operations.ts";
import { PageQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { languageOf } from "../language.ts";
import { ownerOf } from "../owner.ts";
import { query } from "../validate.ts";
import { toOperation, toPagination } from "../views.ts";
import { maxWaitSeconds, waitForEnd } from "../wait.ts";

const OneOrMore = z.union([z.string(), z.array(z.string()).max(100)]).transform((value) => [value].flat());

const ListQuery = PageQuery.extend({
  id: OneOrMore.optional(),
  vmId: z.string().max(64).optional(),
  status: OperationStatus.optional(),
  kind: OperationKind.optional(),
  sort: z.enum(["createdAt", "-createdAt"]).default("-createdAt"),
});

/** Seconds to wait for the end; one long poll is one request. */
const ReadQuery = z.strictObject({ wait: z.coerce.number().int().min(0).max(maxWaitSeconds).default(0) });

export const operations = new Hono<AppEnv>()
  .get("/", query(ListQuery), async (c) => {
    const { id: ids, sort, page, limit, ...filter } = c.req.valid("query");
    const descending = sort.startsWith("-");
    const { rows, total } = await listOperations(c.env.DB, ownerOf(c), { ...filter, ids, descending, page, limit });
    const language = languageOf(c);
    return ok(c, {
      operations: rows.map((row) => toOperation(row, language)),
      pagination: toPagination(page, limit, total),
    });
  })
  .get("/:id", query(ReadQuery), async (c) => {
    const id = c.req.param("id");
    const operation = await findOperation(c.env.DB, ownerOf(c), id);
    if (!operation) throw new ApiError("OPERATION_NOT_FOUND", `Operation with ID '${id.slice(0, 100)}' was not found`);
    return ok(c, toOperation(await waitForEnd(c, operation, c.req.valid("query").wait), languageOf(c)));
  });
