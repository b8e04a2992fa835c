/**
 * The agent: one process a host. `node agent/main.ts` enrols where VOIDVM_ENROLMENT_TOKEN is given, then serves.
 *
 * It ends without touching the machines, whichever way it ends; the next one finds them again.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { readHostFacts } from "./host-facts.ts";
import { enrol, Identity } from "./identity.ts";
import { ImageStore } from "./images.ts";
import { openJournal } from "./journal.ts";
import { Link } from "./link.ts";
import type { Host } from "./operations/operation.ts";
import { HostPaths } from "./paths.ts";
import { Scheduler } from "./scheduler.ts";
import { helloBasics, Session } from "./session.ts";
import { trimSerialLogs } from "./serial-logs.ts";
import { tellParent } from "./parent.ts";
import { VmTable } from "./vm-table.ts";

const trimEveryMs = 60_000;

interface Settings {
  readonly home: string;
  readonly edge: string | undefined;
  readonly enrolmentToken: string | undefined;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly allowEmulation: boolean;
  readonly allowPrivateAddresses: boolean;
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const paths = new HostPaths(settings.home);
  paths.prepare();

  const identity = await identify(paths, settings);
  const facts = () => readHostFacts(paths, settings.accelerator, settings.allowEmulation);
  const { accelerator, acceleratorReason } = await facts();
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const version = await agentVersion();
  log(acceleratorReason);

  const journal = openJournal(paths.journalFile, log);
  const vms = new VmTable({ paths, accelerator, acceleratorReason, bootId, log });
  const images = new ImageStore(paths, { allowPrivateAddresses: settings.allowPrivateAddresses });
  const host: Host = { paths, images, vms };

  const scheduler = new Scheduler(
    { journal, host, onProgress: (progress) => session.progress(progress) },
    (operationId) => session.ended(operationId),
    log,
  );
  const session: Session = new Session({
    journal,
    vms,
    log,
    send: (frame) => link.send(frame),
    run: (operation) => scheduler.add(operation),
    cancel: (operation) => scheduler.cancel(operation),
    hello: async () => ({
      ...helloBasics,
      agentVersion: version,
      bootId,
      journalId: journal.id,
      greatestEpoch: journal.greatestEpoch,
      facts: await facts(),
    }),
    onUpdate: (version) => log(`The edge wants version ${version}; this agent runs from its sources and stays`),
    onSynced: () => tellParent({ type: "ready" }),
  });
  const link = new Link(identity, session);

  await images.clean();
  vms.on("event", (event, vm, message) => session.event(event, vm, message));
  await vms.load();
  if (journal.noteBoot(bootId)) await vms.startAutostart();
  scheduler.resume();

  setInterval(() => void trimSerialLogs(paths, vms.ids(), log), trimEveryMs).unref();
  const end = () => {
    link.stop();
    vms.close();
    journal.close();
    process.exit(0);
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.once("disconnect", end);

  prepareTiny(images);
  await link.run();
}

function readSettings(env: NodeJS.ProcessEnv): Settings {
  const accelerator = env["VOIDVM_ACCEL"] ?? "auto";
  if (accelerator !== "auto" && accelerator !== "kvm" && accelerator !== "tcg") {
    throw new Error(`VOIDVM_ACCEL is '${accelerator}': use auto, kvm or tcg`);
  }
  return {
    home: resolve(env["VOIDVM_AGENT_HOME"] ?? join(homedir(), ".voidvm", "agent")),
    edge: env["VOIDVM_EDGE"],
    enrolmentToken: env["VOIDVM_ENROLMENT_TOKEN"],
    accelerator,
    allowEmulation: env["VOIDVM_ALLOW_EMULATION"] === "1",
    allowPrivateAddresses: env["VOIDVM_ALLOW_PRIVATE_IMAGES"] === "1",
  };
}

async function identify(paths: HostPaths, { edge, enrolmentToken }: Settings): Promise<Identity> {
  // Children of the agent have no business with it.
  delete process.env["VOIDVM_ENROLMENT_TOKEN"];
  if (enrolmentToken !== undefined) {
    if (edge === undefined) throw new Error("VOIDVM_EDGE is not set: it is the address of the edge to enrol at");
    const identity = await enrol(paths, edge, enrolmentToken);
    log(`Enrolled at ${identity.edge} as ${identity.hostId}`);
    return identity;
  }
  const identity = await Identity.load(paths);
  if (identity) return edge === undefined ? identity : identity.at(edge);
  throw new Error("This host is not enrolled: make a token with POST /hosts and give it as VOIDVM_ENROLMENT_TOKEN");
}

/** The demo image is made while nobody waits, so that the first machine does not wait for it. */
function prepareTiny(images: ImageStore): void {
  const report = (percent: number, message: string) => tellParent({ type: "image", percent, message });
  images.ensure({ id: "img-tiny", source: { from: "tiny" } }, report).then(
    () => tellParent({ type: "image", percent: 100, message: "ready" }),
    (error: Error) =>
      log(`The tiny image could not be made: ${error.message}. The next machine that needs it tries again.`),
  );
}

async function agentVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
}

main().catch((error: Error) => {
  console.error(`voidvm-agent: ${error.message}`);
  process.exit(1);
});
