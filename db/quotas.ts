/** What a user may have: the plan's, or what was set for them. In SQL, so that it is judged in the statement that takes it. */
import { type SQL, sql } from "drizzle-orm";

export type Quota = "vms" | "cpu" | "memory" | "disk";

/** What the plans give, from the configuration. */
export interface PlanLimits {
  readonly vmsPerFreeUser: number;
}

/** Null: unbounded. Of the row of `users` in the statement around it. */
export function quota(what: Quota, { vmsPerFreeUser }: PlanLimits): SQL<number | null> {
  const own = sql`users.${sql.raw(`quota_${what}`)}`;
  if (what !== "vms") return sql`${own}`;
  return sql`COALESCE(${own}, CASE WHEN users.plan = 'none' THEN NULL ELSE ${vmsPerFreeUser} END)`;
}

export function used(what: Quota): SQL<number> {
  const sum = what === "vms" ? sql`count(*)` : sql`COALESCE(sum(u.${sql.raw(what)}), 0)`;
  return sql`(SELECT ${sum} FROM vms u WHERE u.owner_id = users.id)`;
}

/** Whether so much more is within the user's quota. Who asks for no more is never refused. */
export function withinQuota(what: Quota, more: SQL | number, plan: PlanLimits): SQL {
  const bound = quota(what, plan);
  return sql`(${more} <= 0 OR ${bound} IS NULL OR ${used(what)} + ${more} <= ${bound})`;
}
