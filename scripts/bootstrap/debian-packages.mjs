/**
 * The programs that come from Debian's packages: which are missing, and how to get them.
 *
 * What counts is the program, so QEMU built by hand and distributions without apt are as good.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {{ package: string, provides: string }} Need `provides` is a program's name, or a file's path. */

const list = join(dirname(fileURLToPath(import.meta.url)), "debian-packages.json");

/** Other programs hold apt's locks too, a first boot's updates among them. */
const lockWaitMs = 600_000;
const lockPauseSeconds = "2";

/**
 * What a command needs and this machine hasn't. Tests need what a start needs, and more.
 *
 * @param {"start" | "test"} command
 * @returns {Need[]}
 */
export function missingFor(command) {
  /** @type {Record<"start" | "test", Need[]>} */
  const needs = JSON.parse(readFileSync(list, "utf8"));
  const wanted = command === "test" ? [...needs.start, ...needs.test] : needs.start;
  return wanted.filter(({ provides }) => (isAbsolute(provides) ? !existsSync(provides) : !onPath(provides)));
}

/**
 * One sentence for who has to install them by hand.
 *
 * @param {Need[]} needs
 */
export function packagesSentence(needs) {
  const programs = needs.map(({ provides }) => provides).join(", ");
  if (!onPath("apt-get"))
    return `Missing: ${programs}. Install them with this system's package manager, and start again.`;
  return `Missing: ${programs}. Run this and start again:\n  ${installCommand(needs)}`;
}

/**
 * Where apt is, and its lists of packages are not: the tiny image is made of packages that are downloaded by name.
 *
 * @returns {boolean}
 */
export function hasNoAptLists() {
  if (!onPath("apt-get")) return false;
  try {
    return !readdirSync("/var/lib/apt/lists").some((name) => /_Packages(\.\w+)?$/.test(name));
  } catch {
    return true;
  }
}

/**
 * @param {string[]} asRoot what `rootPrefix` answered
 * @param {Need[]} needs an empty list only fetches apt's lists
 * @throws {Error} with apt's own words, and the sentence that tells what to do
 */
export function installPackages(asRoot, needs) {
  // Lists that can't be fetched may be there from before: the installation tells.
  apt(asRoot, ["update"]);
  if (needs.length === 0) return;
  const failure = apt(asRoot, ["install", "--yes", "--no-install-recommends", ...needs.map((need) => need.package)]);
  if (failure !== null) throw new Error(`apt-get failed:\n${failure}\n${packagesSentence(needs)}`);
}

/**
 * How commands are run as root here, or null where they can't be, or where there is no apt-get to run.
 *
 * @returns {string[] | null}
 */
export function rootPrefix() {
  if (!onPath("apt-get")) return null;
  const environment = ["env", "DEBIAN_FRONTEND=noninteractive"];
  if (process.geteuid?.() === 0) return environment;
  if (!onPath("sudo")) return null;
  if (spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0) return ["sudo", "-n", ...environment];
  return process.stdin.isTTY ? ["sudo", ...environment] : null;
}

/**
 * Null, or its last words where it failed.
 *
 * @param {string[]} asRoot
 * @param {string[]} args
 * @returns {string | null}
 */
function apt(asRoot, args) {
  const [program = "", ...prefix] = asRoot;
  const deadline = Date.now() + lockWaitMs;
  // apt waits for dpkg's lock when told so; the locks of its lists and its downloads it only reports.
  const all = [...prefix, "apt-get", "--quiet=2", "-o", `DPkg::Lock::Timeout=${lockWaitMs / 1000}`, ...args];
  for (;;) {
    // Standard input stays the terminal, for sudo's password.
    const { status, stderr, error } = spawnSync(program, all, {
      stdio: ["inherit", "ignore", "pipe"],
      encoding: "utf8",
    });
    if (status === 0) return null;
    if (!/could not (get|open) lock|unable to lock/i.test(stderr ?? "") || Date.now() > deadline) {
      return (error?.message ?? stderr).trim().split("\n").slice(-5).join("\n");
    }
    spawnSync("sleep", [lockPauseSeconds]);
  }
}

/** @param {Need[]} needs */
function installCommand(needs) {
  const names = needs.map((need) => need.package).join(" ");
  const sudo = process.geteuid?.() === 0 ? "" : "sudo ";
  return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${names}`;
}

/**
 * @param {string} program
 * @returns {boolean}
 */
function onPath(program) {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}
