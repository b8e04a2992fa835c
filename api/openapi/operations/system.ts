import * as z from "zod";
import { Config } from "../../../protocol/config.ts";
import { AuditList, LogList } from "../../../protocol/records.ts";
import { SystemInfo, SystemStats } from "../../../protocol/system.ts";
import type { OperationDocs } from "../operation.ts";

export const systemDocs = {
  "GET /health": {
    id: "getHealth",
    tag: "System",
    summary: "Whether the edge and its database answer",
    answers: { 200: { description: "They do.", data: z.object({ status: z.literal("ok"), version: z.string() }) } },
    errors: ["UNAVAILABLE"],
  },
  "GET /openapi.json": {
    id: "getOpenApi",
    tag: "System",
    summary: "This document",
    answers: {
      200: { description: "OpenAPI 3.1.", data: z.looseObject({ openapi: z.string() }), media: "application/json" },
    },
  },
  "GET /metrics": {
    id: "getMetrics",
    tag: "System",
    summary: "Figures for Prometheus",
    answers: { 200: { description: "Prometheus' text format.", data: z.string(), media: "text/plain" } },
  },
  "GET /config": {
    id: "getConfig",
    tag: "System",
    summary: "Read the configuration",
    answers: { 200: { description: "All of it, defaults included.", data: Config, headers: ["ETag"] } },
  },
  "PUT /config": {
    id: "updateConfig",
    tag: "System",
    summary: "Change the configuration",
    description: "What is left out stays. In effect without a restart.",
    conditional: true,
    answers: { 200: { description: "All of it as it is now.", data: Config, headers: ["ETag"] } },
    example: { limits: { requestsPerMinute: 300 } },
  },
  "GET /audit": {
    id: "listAudit",
    tag: "System",
    summary: "Who changed what",
    description: "With `after` the entries that follow it, oldest first; without, the newest first.",
    answers: { 200: { description: "A page of entries.", data: AuditList } },
  },
  "GET /logs": {
    id: "listLogs",
    tag: "System",
    summary: "What the system did",
    description: "With `after` the entries that follow it, oldest first; without, the newest first.",
    answers: { 200: { description: "A page of entries.", data: LogList } },
  },
  "GET /system/info": {
    id: "getSystemInfo",
    tag: "System",
    summary: "Version, hosts and their resources",
    description: "Sums are over the hosts that are online, with their overcommit.",
    answers: { 200: { description: "The system as it is now.", data: SystemInfo } },
  },
  "GET /system/stats": {
    id: "getSystemStats",
    tag: "System",
    summary: "Counts and series",
    answers: { 200: { description: "The system now, and as it was over the period.", data: SystemStats } },
  },
} as const satisfies OperationDocs;
