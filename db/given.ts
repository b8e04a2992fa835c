/** A value in the place of a column, for `INSERT … SELECT`: drizzle wants each to have the column's name. */
import { type SQL, sql } from "drizzle-orm";

export function given<T>(value: unknown, column: string): SQL.Aliased<T> {
  return sql<T>`${value}`.as(column);
}
