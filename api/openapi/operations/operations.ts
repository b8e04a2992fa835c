import * as z from "zod";
import { Operation, Pagination } from "../../../protocol/rest.ts";
import type { OperationDocs } from "../operation.ts";

export const operationRouteDocs = {
  "GET /operations": {
    id: "listOperations",
    tag: "Operations",
    summary: "List operations, or read many by id",
    answers: {
      200: {
        description: "A page of them.",
        data: z.object({ operations: z.array(Operation), pagination: Pagination }),
      },
    },
  },
  "GET /operations/:id": {
    id: "getOperation",
    tag: "Operations",
    summary: "Read an operation, or wait for its end",
    answers: { 200: { description: "The operation, ended or not.", data: Operation, headers: ["ETag"] } },
    errors: ["OPERATION_NOT_FOUND"],
  },
  "POST /operations/:id/cancel": {
    id: "cancelOperation",
    tag: "Operations",
    summary: "Cancel an operation that has not begun",
    answers: { 200: { description: "It is cancelled.", data: Operation } },
    errors: ["OPERATION_NOT_FOUND", "OPERATION_ENDED", "OPERATION_RUNNING", "HOST_OFFLINE"],
  },
} as const satisfies OperationDocs;
