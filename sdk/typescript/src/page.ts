/** Lists: one page as an array that knows what there is besides, and all of it as an iterator. */
import type { Pagination } from "./generated.ts";

/** An array, with `pagination` beside its entries. */
export type Page<T> = T[] & { readonly pagination: Pagination };

export function toPage<T>(entries: T[], pagination: Pagination): Page<T> {
  return Object.assign(entries, { pagination });
}

interface PageQuery {
  page?: number | undefined;
  limit?: number | undefined;
  after?: string | undefined;
}

/**
 * Everything from the query's page on, page by page. An entry that moved to the next page while the list grew comes
 * once. With `after` it goes from entry to entry, and misses nothing however the list grows.
 */
export async function* iterate<T extends { readonly id: string }, Query extends object>(
  list: (query: Query & PageQuery) => Promise<Page<T>>,
  query: Query & PageQuery,
): AsyncGenerator<T, void, undefined> {
  const seen = new Set<string>();
  let next = { limit: 100, ...query, page: query.page ?? 1 };
  for (;;) {
    const page = await list(next);
    for (const entry of page) {
      if (!seen.has(entry.id)) yield entry;
      if (next.after === undefined) seen.add(entry.id);
    }
    const last = page.at(-1);
    if (!last || page.pagination.page >= page.pagination.pages) return;
    next = next.after === undefined ? { ...next, page: next.page + 1 } : { ...next, after: last.id };
  }
}
