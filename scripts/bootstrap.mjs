/**
 * Where every npm script begins: on a machine that has Node 20 and npm and nothing else.
 *
 * Plain JavaScript without dependencies, since nothing is installed yet. It installs what the command needs, and then
 * runs the command's TypeScript under the Node that the npm packages bring.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  hasNoAptLists,
  installPackages,
  missingFor,
  packagesSentence,
  rootPrefix,
} from "./bootstrap/debian-packages.mjs";
import { installNpmPackages, nodeOf, npmPackagesAreCurrent } from "./bootstrap/npm-packages.mjs";
import { runScript } from "./bootstrap/run-script.mjs";

/** @typedef {{ script: string, arguments?: string[], needs?: "start" | "test", where?: "caller" }} Command */

/** @type {Record<string, Command>} */
const commands = {
  start: { script: "scripts/start.ts", needs: "start" },
  dev: { script: "scripts/start.ts", arguments: ["--watch"], needs: "start" },
  build: { script: "scripts/build.ts" },
  test: { script: "scripts/test.ts", needs: "test" },
  "test:chaos": { script: "test/chaos/main.ts", needs: "test" },
  check: { script: "scripts/check.ts", needs: "test" },
  voidvm: { script: "cli/main.ts", where: "caller" },
  "lint:openapi": { script: "scripts/lint-openapi.ts" },
};

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const [name = "", ...rest] = process.argv.slice(2);

try {
  const command = name === "bench" ? benchmark(rest.shift()) : commands[name];
  if (!command)
    throw new Error(`There is no command '${name}': use ${[...Object.keys(commands), "bench"].join(", ")}.`);
  provideNpmPackages();
  if (command.needs) provideDebianPackages(command.needs);
  // npm changes to the project's folder; a path that its caller names is seen from where npm was called.
  const cwd = command.where === "caller" ? (process.env["INIT_CWD"] ?? process.cwd()) : project;
  runScript(nodeOf(project), [join(project, command.script), ...(command.arguments ?? []), ...rest], cwd);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function provideNpmPackages() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) throw new Error(`This is Node ${process.versions.node}: VoidVM needs Node 20 or newer.`);
  if (npmPackagesAreCurrent(project)) return;
  withProgress("Installing npm packages, which takes about half a minute", () => installNpmPackages(project));
}

/** @param {"start" | "test"} command */
function provideDebianPackages(command) {
  const missing = missingFor(command);
  if (missing.length === 0 && !hasNoAptLists()) return;
  const asRoot = rootPrefix();
  if (missing.length === 0) {
    // Only the tiny image is made with them, and the agent tells if they are still missing then.
    if (asRoot) withProgress("Fetching apt's lists of packages", () => installPackages(asRoot, []));
    return;
  }
  if (!asRoot) throw new Error(packagesSentence(missing));
  const names = missing.map((need) => need.package).join(" ");
  withProgress(`Installing Debian packages: ${names}`, () => installPackages(asRoot, missing));
  const still = missingFor(command);
  if (still.length > 0) throw new Error(packagesSentence(still));
}

/**
 * @param {string | undefined} which
 * @returns {Command}
 */
function benchmark(which) {
  if (!which || !/^[a-z-]+$/.test(which)) throw new Error("Which benchmark? For example: npm run bench:lifecycle");
  return { script: `bench/${which}.ts`, needs: "start" };
}

/**
 * @param {string} what
 * @param {() => void} act
 */
function withProgress(what, act) {
  const started = Date.now();
  process.stdout.write(`${what} … `);
  try {
    act();
  } catch (error) {
    process.stdout.write("failed\n");
    throw error;
  }
  process.stdout.write(`done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}
