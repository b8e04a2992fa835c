/** The command line `voidvm`: from its arguments to its exit code. */
import { CommanderError } from "commander";
import packageJson from "./package.json" with { type: "json" };
import { interrupted } from "./context.ts";
import { exitCodeOf, exitCodes, Interrupted, UserError } from "./exit-codes.ts";
import { printError } from "./output/error-text.ts";
import { makeProgram } from "./program.ts";
import { usageError } from "./usage-error.ts";

process.on("SIGINT", () => {
  // The second one doesn't wait for the command.
  if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
  interrupted.abort(new Interrupted());
});
// Whoever read it has enough: `voidvm vm list | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? 0 : exitCodes.failed),
);

const asJson = process.argv.includes("--json");
try {
  await makeProgram(packageJson.version).parseAsync();
} catch (error) {
  const known = error instanceof CommanderError ? usageError(error) : error;
  if (known instanceof Error || known instanceof UserError) {
    printError(known, asJson);
    process.exitCode = exitCodeOf(known);
  }
}
