/** Whose things a request may see: its caller's own, and everybody's for an administrator. */
import type { Context } from "hono";
import type { Owner } from "../db/vms.ts";
import { roles } from "../protocol/permissions.ts";
import type { AppEnv } from "./env.ts";

export function ownerOf(c: Context<AppEnv>): Owner {
  const { id, role } = c.var.caller;
  return { id, seesAll: roles[role].sees === "all" };
}
