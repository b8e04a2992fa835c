/** The project's npm packages, which bring the Node that everything runs on. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether node_modules is what package.json and the lock file ask for. The stamp is written after an installation
 * that went well, so one that was interrupted is done again.
 *
 * @param {string} project
 */
export function npmPackagesAreCurrent(project) {
  const stamp = stampFile(project);
  return existsSync(nodeOf(project)) && existsSync(stamp) && readFileSync(stamp, "utf8") === wantedStamp(project);
}

/**
 * @param {string} project
 * @throws {Error} with npm's own words
 */
export function installNpmPackages(project) {
  // `npm ci` refuses a lock file that lacks other platforms' optional packages. `--no-save` leaves the lock as it is.
  const args = ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env["npm_execpath"];
  const [program, all] = npm?.endsWith(".js") ? [process.execPath, [npm, ...args]] : ["npm", args];
  const { status, stdout, stderr, error } = spawnSync(program, all, { cwd: project, encoding: "utf8" });
  if (error) throw new Error(`npm could not be run: ${error.message}`);
  if (status !== 0) throw new Error(`npm install failed:\n${`${stdout}${stderr}`.trim()}`);

  const node = spawnSync(nodeOf(project), ["--version"], { encoding: "utf8" });
  if (node.status !== 0) {
    throw new Error(
      `${nodeOf(project)} does not run: npm must be allowed to run the install script of the package 'node'.`,
    );
  }
  writeFileSync(stampFile(project), wantedStamp(project));
}

/** @param {string} project */
export function nodeOf(project) {
  return join(project, "node_modules", ".bin", "node");
}

/** @param {string} project */
function stampFile(project) {
  return join(project, "node_modules", ".installed");
}

/** @param {string} project */
function wantedStamp(project) {
  const hash = createHash("sha256");
  for (const name of ["package.json", "package-lock.json"]) hash.update(readFileSync(join(project, name)));
  return hash.digest("hex");
}
