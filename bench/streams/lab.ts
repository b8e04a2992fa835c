/** All the processes of the benchmark: edge, host, ports and relay, and the ways through them to a port. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { descendants } from "../../test/e2e/processes.ts";
import { freePort } from "../../test/free-port.ts";
import { machine, Site } from "../api/site.ts";
import { Line } from "./line.ts";

export interface Way {
  readonly name: string;
  /** Much can be moved through it: something holds the sender back. */
  readonly bulk: boolean;
  open(port: number): Promise<Line>;
}

export class Lab {
  readonly site: Site;
  readonly vmId: string;
  readonly #children: readonly ChildProcess[];
  readonly #folder: string;
  readonly #relay: string;
  readonly #host: ChildProcess;
  #pairs = 0;

  private constructor(site: Site, vmId: string, folder: string, relay: string, children: readonly ChildProcess[]) {
    this.site = site;
    this.vmId = vmId;
    this.#folder = folder;
    this.#relay = relay;
    this.#children = children;
    this.#host = children.at(-1) as ChildProcess;
  }

  static async start(): Promise<Lab> {
    const folder = await mkdtemp(join(tmpdir(), "voidvm-lines-"));
    const ports = await spawned("ports.ts", folder);
    const relay = await spawned("relay.ts", folder);
    let host: { child: ChildProcess; said: unknown } | null = null;
    const site = await Site.start(await freePort(), async (origin, token, home) => {
      const { child } = (host = await spawned("host.ts", origin, token, home, folder));
      return { leave: () => void child.kill() };
    });
    const { child } = host as unknown as { child: ChildProcess };
    const { data } = await site.call<{ data: { id: string } }>("POST", "/api/v1/vms", {
      ...machine("measured"),
      start: true,
    });
    const lab = new Lab(site, data.id, folder, `ws://127.0.0.1:${String(relay.said)}`, [
      ports.child,
      relay.child,
      child,
    ]);
    await lab.#running();
    return lab;
  }

  /** Through the edge and the agent, with a client that grants credit, and with one that doesn't. */
  edge(aware: boolean): Way {
    const url = `${this.site.origin.replace("http", "ws")}/api/v1/vms/${this.vmId}/tunnel?port=`;
    return {
      name: aware ? "edge, credit" : "edge, no credit",
      bulk: aware,
      open: (port) => Line.open({ url: `${url}${port}`, token: this.site.admin, aware }),
    };
  }

  /** Two WebSockets that a Node process joins: the edge's place, taken by the simplest that can be there. */
  relay(): Way {
    return {
      name: "Node relay",
      bulk: true,
      open: async (port) => {
        const name = ++this.#pairs;
        const onOpen = () => void this.#host.send({ relay: `${this.#relay}/host/${name}`, port });
        return Line.open({ url: `${this.#relay}/client/${name}`, onOpen });
      },
    };
  }

  /** No relay: a server on the host itself, for what that costs. */
  direct(): Way {
    return { name: "no relay", bulk: true, open: (port) => Line.open({ url: `${this.#relay}/direct/${port}` }) };
  }

  /** Resident memory, in MiB: of workerd, and of the agent. */
  memory(): { workerd: number; agent: number } {
    const workerd = descendants(process.pid).find(({ command }) => command[0]?.endsWith("/workerd"));
    return { workerd: residentMib(workerd?.pid ?? 0), agent: residentMib(this.#host.pid ?? 0) };
  }

  async stop(): Promise<void> {
    await this.site.stop();
    for (const child of this.#children) child.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #running(): Promise<void> {
    for (let left = 100; left > 0; left--) {
      const { data } = await this.site.call<{ data: { status: string } }>("GET", `/api/v1/vms/${this.vmId}`);
      if (data.status === "running") return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("The machine does not run");
  }
}

async function spawned(script: string, ...args: string[]): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(join(import.meta.dirname, script), args);
  const [said] = (await once(child, "message")) as [unknown];
  return { child, said };
}

function residentMib(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return (pages * 4096) / 1_048_576;
}
