/** Writes docs/vm-states.md from the state rules, so that the page can't say anything else than the code. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forcedDeleteFrom, type SettledVmStatus, vmActions, type VmAction, vmRefusal } from "../protocol/vm.ts";

const settled = ["stopped", "running", "paused", "suspended", "error", "deleting"] as const satisfies SettledVmStatus[];
const file = join(import.meta.dirname, "../docs/vm-states.md");

export function vmStatesPage(): string {
  const actions = Object.keys(vmActions) as VmAction[];
  const rows = actions.map((action) => {
    const { via, to } = vmActions[action];
    const cells = settled.map((status) => cell(action, status));
    return `| ${action} | ${via ?? "–"} | ${action === "delete" ? "gone" : to} | ${cells.join(" | ")} |`;
  });
  return `# What may be done in which state

Made from \`vmActions\` in protocol/vm.ts by \`node scripts/write-vm-states.ts\`; a test keeps it so.

An action is judged by what the machine will be once everything that is queued for it is through: creating, then starting, then pausing it
without a wait between is allowed. While an action runs, the machine shows what stands under *shows*.

| action | shows | ends | ${settled.join(" | ")} |
| --- | --- | --- | ${settled.map(() => "---").join(" | ")} |
${rows.join("\n")}

✓: allowed. A code: refused with 409 and this code. \`force\`: only with \`?force=true\` (${forcedDeleteFrom.join(", ")}).
`;
}

function cell(action: VmAction, status: SettledVmStatus): string {
  const refusal = vmRefusal(action, status);
  if (refusal === null) return "✓";
  return action === "delete" && vmRefusal(action, status, true) === null ? "`force`" : `\`${refusal}\``;
}

export function isCurrent(): boolean {
  return readFileSync(file, "utf8") === vmStatesPage();
}

if (import.meta.filename === process.argv[1]) writeFileSync(file, vmStatesPage());
