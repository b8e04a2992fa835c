/**
 * Places where a test can end, hold or fail the agent: before and after each step's effect, around the journal, around `done`.
 *
 * A test writes lines into the file that VOIDVM_CRASH_AT points to, each a place and what is to happen there: `kill`, which
 * is also meant where nothing is said, `fail` or `hold`. The first line waits for its place and goes before anything
 * happens, so that the agent which is started next gets past it.
 */
import { existsSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";

const file = process.env["VOIDVM_CRASH_AT"];
const longestHoldMs = 30_000;
const lookEveryMs = 10;

/** Errors: `Error` where a test asks for one. */
export function crashPoint(name: string): void {
  if (file === undefined) return;
  const how = take(file, name);
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  if (how === "fail") throw new Error(`Failed at ${name}, as a test asked for`);
  if (how === "hold") hold(`${file}.held`);
}

/** Null where another place is waited for, or none. */
function take(file: string, name: string): string | null {
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").trim().split("\n");
  } catch {
    return null;
  }
  const [first = "", ...rest] = lines;
  const [wanted, how = "kill"] = first.split(" ");
  if (wanted !== name) return null;
  if (rest.length > 0) writeFileSync(file, rest.join("\n"));
  else unlinkSync(file);
  return how;
}

/** Nothing goes on until the test has removed the file that says so. */
function hold(held: string): void {
  writeFileSync(held, "");
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; existsSync(held) && waited < longestHoldMs; waited += lookEveryMs) {
    Atomics.wait(clock, 0, 0, lookEveryMs);
  }
}
