/**
 * The programs that come from Debian's packages: which are missing, and how to get them.
 *
 * What counts is the program, so QEMU built by hand and distributions without apt are as good.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {{ package: string, provides: string }} Need `provides` is a program's name, or a file's path. */

const list = join(dirname(fileURLToPath(import.meta.url)), "debian-packages.json");

/** Other programs hold apt's locks too, a first boot's updates among them. */
const lockWaitMs = 600_000;

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
 * As root, or by sudo.
 *
 * @param {Need[]} needs an empty list only fetches apt's lists
 * @throws {Error} with the sentence that tells what to do
 */
export function installPackages(needs) {
  const become = onPath("apt-get") ? rootPrefix() : null;
  if (become === null) throw new Error(packagesSentence(needs));

  apt([...become, "apt-get", "update", "--quiet=2"]);
  if (needs.length === 0) return;
  const names = needs.map((need) => need.package);
  apt([...become, "apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", ...names], needs);
}

/**
 * How commands are run as root here, or null where they can't be.
 *
 * @returns {string[] | null}
 */
export function rootPrefix() {
  const environment = ["env", "DEBIAN_FRONTEND=noninteractive"];
  if (process.geteuid?.() === 0) return environment;
  if (!onPath("sudo")) return null;
  if (spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0) return ["sudo", "-n", ...environment];
  return process.stdin.isTTY ? ["sudo", ...environment] : null;
}

/**
 * @param {string[]} command
 * @param {Need[]} [needs] that a failure of it would leave missing
 */
function apt([program = "", ...args], needs) {
  const deadline = Date.now() + lockWaitMs;
  // Waits for dpkg's lock; the locks of the lists and the downloads it only reports.
  const options = ["-o", `DPkg::Lock::Timeout=${lockWaitMs / 1000}`];
  const at = args.indexOf("apt-get") + 1;
  const all = [...args.slice(0, at), ...options, ...args.slice(at)];
  for (;;) {
    // Standard input stays the terminal, for sudo's password.
    const { status, stderr, error } = spawnSync(program, all, {
      stdio: ["inherit", "ignore", "pipe"],
      encoding: "utf8",
    });
    if (status === 0) return;
    if (/could not (get|open) lock|unable to lock/i.test(stderr ?? "") && Date.now() < deadline) {
      execFileSync("sleep", ["2"]);
      continue;
    }
    // Lists that could not be fetched may be there from before: the installation tells.
    if (!needs) return;
    const words = (error?.message ?? stderr).trim().split("\n").slice(-5).join("\n  ");
    throw new Error(`apt-get failed:\n  ${words}\n${packagesSentence(needs)}`);
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
