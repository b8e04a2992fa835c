/**
 * Hosts with addresses of their own on this machine: a bridge, and for each host a network namespace with one end of a
 * veth pair.
 *
 * Every name bears this process' id, so that tests run beside each other, and what a killed run left is found and removed
 * by the next one. A host's faults are rules in its own namespace and end with it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const prefix = "vvm";
const namespaces = new RegExp(`^${prefix}(\\d+)-\\d+`);
const links = new RegExp(`^${prefix}(\\d+)[a-z]\\d*$`);

/** Why there can be no test hosts here; null where there can. */
export function refusal(): string | null {
  const probe = `${prefix}${process.pid}-0`;
  const tries = [
    ["ip", "netns", "add", probe],
    ["ip", "netns", "exec", probe, "nft", "add", "table", "inet", "probe"],
    ["ip", "link", "add", `${prefix}${process.pid}p`, "type", "veth", "peer", "name", "eth0", "netns", probe],
  ];
  try {
    for (const [program = "", ...args] of tries) {
      const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
      if (status !== 0)
        return `there can be no network namespaces, since \`${program} ${args.join(" ")}\` fails: ${error?.message ?? stderr.trim()}`;
    }
    return null;
  } finally {
    spawnSync("ip", ["netns", "delete", probe]);
  }
}

export class NetworkHost {
  readonly namespace: string;
  readonly address: string;

  constructor(namespace: string, address: string) {
    this.namespace = namespace;
    this.address = address;
  }

  /** A command that runs as this host. */
  command(...command: string[]): [program: string, args: string[]] {
    return ["ip", ["netns", "exec", this.namespace, ...command]];
  }

  /** Of the packets in each direction, drawn one by one; 100 is a cable that is cut without either end's knowing. */
  lose(percent: number): void {
    // All of them can't be said as a share.
    const drawn = percent < 100 ? `numgen random mod 100 < ${percent} ` : "";
    const chain = (hook: string) =>
      `add chain inet faults ${hook} { type filter hook ${hook} priority 0; }\n` +
      `add rule inet faults ${hook} ${drawn}drop`;
    // A table that is added first can be deleted whether it was there or not.
    const rules = ["add table inet faults", "delete table inet faults"];
    if (percent > 0) rules.push("add table inet faults", chain("input"), chain("output"));
    const [program, args] = this.command("nft", "-f", "-");
    execFileSync(program, args, { input: `${rules.join("\n")}\n` });
  }
}

export class TestNetwork {
  /** Of this machine, as the hosts reach it. */
  readonly gateway: string;
  readonly hosts: readonly NetworkHost[];
  readonly #bridge = `${prefix}${process.pid}b`;

  private constructor(net: string, count: number) {
    this.gateway = `${net}.1`;
    ip("link", "add", this.#bridge, "type", "bridge");
    ip("address", "add", `${this.gateway}/24`, "dev", this.#bridge);
    ip("link", "set", this.#bridge, "up");
    this.hosts = Array.from({ length: count }, (_, index) => this.#addHost(index + 1, `${net}.${index + 11}`));
  }

  static async create(count: number): Promise<TestNetwork> {
    await removeLeftovers((pid) => !isAlive(pid));
    return new TestNetwork(freeNet(), count);
  }

  /** Ends whatever still runs in the namespaces, too. */
  async remove(): Promise<void> {
    await removeLeftovers((pid) => pid === process.pid);
  }

  #addHost(number: number, address: string): NetworkHost {
    const namespace = `${prefix}${process.pid}-${number}`;
    const here = `${prefix}${process.pid}h${number}`;
    ip("netns", "add", namespace);
    ip("link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    ip("link", "set", here, "master", this.#bridge, "up");
    ip("-n", namespace, "address", "add", `${address}/24`, "dev", "eth0");
    ip("-n", namespace, "link", "set", "eth0", "up");
    ip("-n", namespace, "link", "set", "lo", "up");
    return new NetworkHost(namespace, address);
  }
}

/** The addresses from which there are connections to a port of this machine. */
export function peersOf(port: number): Set<string> {
  const lines = run("ss", ["-Htn", "state", "established", `( sport = :${port} )`]).split("\n");
  const peers = lines.map((line) => line.trim().split(/\s+/).at(3)?.replace(/:\d+$/, ""));
  return new Set(peers.filter((peer) => peer !== undefined));
}

/** 198.18.0.0/15 is set aside for tests of networks (RFC 2544). */
function freeNet(): string {
  const used = new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => netOf(address))),
  );
  for (let tries = 0; tries < 256; tries++) {
    const net = `198.18.${(process.pid + tries) % 256}`;
    if (!used.has(net)) return net;
  }
  throw new Error("All nets of 198.18.0.0/16 are in use on this machine");
}

function netOf(address: string): string {
  return address.slice(0, address.lastIndexOf("."));
}

async function removeLeftovers(isMine: (pid: number) => boolean): Promise<void> {
  const ofMine = (names: readonly string[], pattern: RegExp) =>
    names.filter((name) => isMine(Number(pattern.exec(name)?.[1] ?? Number.NaN)));
  const namespaceNames = run("ip", ["netns", "list"]).split("\n").map(firstWord);
  for (const name of ofMine(namespaceNames, namespaces)) {
    await endProcessesIn(name);
    ip("netns", "delete", name);
  }
  const linkNames = run("ip", ["-brief", "link", "show"]).split("\n").map(firstWord);
  // The other end of a pair may be gone by now, and its namespace takes a moment to go.
  for (const name of ofMine(linkNames, links)) spawnSync("ip", ["link", "delete", name]);
}

/** A namespace lives as long as a process in it. */
async function endProcessesIn(namespace: string): Promise<void> {
  for (let left = 50; left > 0; left--) {
    const pids = run("ip", ["netns", "pids", namespace]).split("\n").filter(Boolean).map(Number);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await sleep(100);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function isAlive(pid: number): boolean {
  // A name that isn't one of ours has no process id, and stays.
  if (Number.isNaN(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function ip(...args: string[]): void {
  run("ip", args);
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Without what follows the `@` of a pair's end. */
function firstWord(line: string): string {
  return line.trim().split(/[\s@]/)[0] ?? "";
}
