/**
 * Places where a test can kill the agent: before and after each step's effect, around the journal, around `done`.
 *
 * A test names one place in the file that VOIDVM_CRASH_AT points to. The file goes first, so that the agent
 * which is started next gets past the place.
 */
import { readFileSync, unlinkSync } from "node:fs";

const file = process.env["VOIDVM_CRASH_AT"];

export function crashPoint(name: string): void {
  if (file === undefined) return;
  let wanted: string;
  try {
    wanted = readFileSync(file, "utf8").trim();
  } catch {
    return;
  }
  if (wanted !== name) return;
  unlinkSync(file);
  process.kill(process.pid, "SIGKILL");
}
