/** Columns without lines, as programs for the command line print them. Characters of double width count as two. */
const none = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"])
    .map((name) => [name, ""]),
);

export async function table(head: readonly string[] | null, rows: readonly (readonly string[])[]): Promise<string> {
  // Loaded only by what prints tables.
  const { default: Table } = await import("cli-table3");
  const made = new Table({ chars: none, style: { "padding-left": 0, "padding-right": 2, head: [], border: [] } });
  for (const row of head ? [head, ...rows] : rows) made.push([...row]);
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
