import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { readOutput } from "../../../scripts/edge/output.ts";

it("is read to the last line while the main thread stands still", async () => {
  const folder = await mkdtemp(join(tmpdir(), "voidvm-output-"));
  const lines: string[] = [];
  const output = await readOutput(join(folder, "output"), (_level, line) => lines.push(line));
  try {
    // Far more than a pipe holds, and this thread waits for whoever writes it.
    execFileSync("sh", ["-c", 'seq 100000 > "$1"', "sh", output.path], { timeout: 10_000 });
    await vi.waitFor(() => expect(lines.at(-1)).toBe("100000"), 10_000);
    expect(lines).toHaveLength(100_000);
  } finally {
    await output.close();
    await rm(folder, { recursive: true, force: true });
  }
});
