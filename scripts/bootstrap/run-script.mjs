/** Runs one of the project's TypeScript programs under the project's own Node, as if it were this process. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** How often to look whether npm is still there: killed, it tells nobody. */
const npmCheckMs = 500;

/**
 * Signals reach the program, and its exit status becomes this process's. Never returns.
 *
 * @param {string} node
 * @param {string[]} args the program and its arguments
 * @param {string} cwd
 */
export function runScript(node, args, cwd) {
  // Once this process is gone, however it went, the channel closes and the program ends.
  const child = spawn(node, args, { cwd, stdio: ["inherit", "inherit", "inherit", "ipc"] });
  child.once("error", (error) => {
    console.error(`${node} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));

  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => child.kill(signal));
  }
  const npm = findNpm();
  if (npm === null) return;
  setInterval(() => {
    if (readProcess(npm.pid)?.startTicks !== npm.startTicks) child.kill("SIGTERM");
  }, npmCheckMs).unref();
}

/** The npm that started this process; a shell may stand between, which outlives it. */
function findNpm() {
  if (process.env["npm_lifecycle_event"] === undefined) return null;
  for (let pid = process.ppid, level = 0; level < 3; level++) {
    const found = readProcess(pid);
    if (!found || /^npm\b|\/npm(-cli\.js)?\b/.test(found.command)) return found;
    pid = found.parent;
  }
  return null;
}

/**
 * Null where it is gone, or waits for its parent to notice.
 *
 * @param {number} pid
 */
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold spaces and brackets of its own.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return { pid, parent: Number(fields[1]), startTicks: fields[19], command };
  } catch {
    return null;
  }
}
