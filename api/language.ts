/** Chinese and English; Chinese where the client names no language, as the first page of the documentation shows it. */
import type { Context } from "hono";
import { accepts } from "hono/accepts";

export type Language = "zh" | "en";

/** `named`: what the address says, which comes before the header. */
export function languageOf(c: Context, named?: string): Language {
  const [primary] = named?.toLowerCase().split("-") ?? [];
  if (primary === "zh" || primary === "en") return primary;
  return accepts(c, {
    header: "Accept-Language",
    supports: ["zh", "en"],
    default: "zh",
    // `zh-CN` and `en-GB` ask for what we have.
    match(wanted, { supports, default: fallback }) {
      const byWish = wanted.filter(({ q }) => q > 0).toSorted((a, b) => b.q - a.q);
      const primaries = byWish.map(({ type }) => type.toLowerCase().split("-")[0] ?? "");
      return primaries.find((primary) => supports.includes(primary)) ?? fallback;
    },
  }) as Language;
}
