/** Runs one of the project's TypeScript programs under the project's own Node, as if it were this process. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** How often to look whether npm is still there. Being killed it tells nobody. */
const parentCheckMs = 500;

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
  if (process.env["npm_lifecycle_event"] !== undefined) {
    const npm = process.ppid;
    setInterval(() => {
      if (process.ppid !== npm) child.kill("SIGTERM");
    }, parentCheckMs).unref();
  }
}
