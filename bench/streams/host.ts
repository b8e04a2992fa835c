/**
 * A process of its own: an agent with its real link and its real streams, whose one machine is not there. A tunnel to it
 * leads to the unix socket of that port. Told an address, it dials the plain relay in the same way.
 */
import { connect } from "node:net";
import { once } from "node:events";
import { WebSocket } from "ws";
import { enrol } from "../../agent/identity.ts";
import { Link, type LinkHandlers } from "../../agent/link.ts";
import type { Host } from "../../agent/operations/operation.ts";
import { HostPaths } from "../../agent/paths.ts";
import { helloBasics } from "../../agent/session.ts";
import type { StreamEnd } from "../../agent/streams/stream-end.ts";
import { Streams } from "../../agent/streams/streams.ts";
import type { StreamTarget } from "../../protocol/streams.ts";
import { simulatedFacts as facts } from "../sim/simulated-host.ts";
import { socketOf } from "./ports.ts";
import { joinSockets } from "./relay.ts";

const [, , origin = "", token = "", home = "", folder = ""] = process.argv;
const paths = new HostPaths(`${home}/agent`, `${folder}/run`);
paths.prepare();
const identity = await enrol(paths, origin, token);
const log = (line: string) => console.error(line);
const streams = new Streams({ identity, host: { paths } as Host, log }, openPort);

const handlers: LinkHandlers = {
  hello: async () => ({
    ...helloBasics,
    ...{ agentVersion: "0.0.0", bootId: "boot", journalId: "journal", greatestEpoch: 0, facts },
  }),
  welcome: () => {},
  report: async () => void link.send({ type: "report", vms: [], operations: [], last: true }),
  frame: (frame) => {
    if (frame.type === "sync") process.send?.("ready");
    if (frame.type === "open-stream") void streams.open(frame.order);
    if (frame.type !== "execute") return;
    const { operationId, kind, vmId, generation } = frame;
    link.send({ type: "accept", operationId });
    const power = kind === "vm.pause" ? "paused" : "running";
    const vm = { vmId, generation, power, pid: null, startTicks: null, accelerator: null, fault: null } as const;
    const outcome = { status: "succeeded", code: null, message: null, result: null } as const;
    link.send({ type: "done", operationId, kind, vmId, outcome, vm });
  },
  closed: () => {},
  log: () => {},
};
const link = new Link(identity, handlers);
process.on("message", ({ relay, port }: { relay: string; port: number }) => dialRelay(relay, port));
process.once("disconnect", () => process.exit(0));
await link.run();

async function openPort(target: StreamTarget): Promise<StreamEnd> {
  if (target.kind !== "tcp") throw new Error("Only ports are measured");
  const stream = connect({ path: socketOf(folder, target.port), allowHalfOpen: true });
  await once(stream, "connect");
  return { stream, writable: true };
}

function dialRelay(url: string, port: number): void {
  joinSockets(new WebSocket(url, { perMessageDeflate: false }), connect(socketOf(folder, port)));
}
