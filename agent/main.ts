/**
 * The agent: one process a host. Loading this runs it: it enrols where VOIDVM_ENROLMENT_TOKEN is given, then serves.
 *
 * It ends without touching the machines, whichever way it ends; the next one finds them again.
 */
import { readFile } from "node:fs/promises";
import { readHostFacts } from "./host-facts.ts";
import { enrol, Identity } from "./identity.ts";
import { ImageStore } from "./images.ts";
import { openJournal } from "./journal.ts";
import { isLaunched, onLauncherGone, switchVersionExitCode } from "./launcher.ts";
import { Link } from "./link.ts";
import { Sampler } from "./metrics/sampler.ts";
import type { Host } from "./operations/operation.ts";
import { HostPaths } from "./paths.ts";
import { Scheduler } from "./scheduler.ts";
import { helloBasics, Session } from "./session.ts";
import { trimSerialLogs } from "./serial-logs.ts";
import { Streams } from "./streams/streams.ts";
import { readSettings, type Settings } from "./settings.ts";
import { answerQuestions } from "./status-socket.ts";
import { tellParent } from "./parent.ts";
import { Installation } from "./update/installation.ts";
import { Updater } from "./update/updater.ts";
import { agentVersion } from "./version.ts";
import { VmTable } from "./vm-table.ts";

const trimEveryMs = 60_000;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const paths = new HostPaths(settings.home);
  paths.prepare();

  const identity = await identify(paths, settings);
  const facts = () => readHostFacts(paths, settings.accelerator, settings.allowEmulation);
  const { accelerator, acceleratorReason } = await facts();
  const bootId = settings.bootId ?? (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const version = await agentVersion();
  log(acceleratorReason);

  const journal = openJournal(paths.journalFile, log);
  const vms = new VmTable({ paths, accelerator, acceleratorReason, bootId, log });
  const images = new ImageStore(paths, { allowPrivateAddresses: settings.allowPrivateAddresses });
  const host: Host = { paths, images, vms };

  const streams = new Streams({ identity, host, log });
  const sampler = new Sampler({ host, send: (samples) => session.stats(samples), log });
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
    openStream: (order) => streams.open(order),
    watch: (order) => (order ? sampler.watch(order) : sampler.stop()),
    hello: async () => ({
      ...helloBasics,
      // Without a launcher nobody would start the next version.
      features: isLaunched ? [...helloBasics.features, "update"] : helloBasics.features,
      agentVersion: version,
      bootId,
      journalId: journal.id,
      greatestEpoch: journal.greatestEpoch,
      facts: { ...(await facts()), images: await images.ids() },
    }),
    onUpdate: (wanted) => updater.order(wanted),
    onSynced: () => {
      tellParent({ type: "ready" });
      void updater.synced().catch((error: Error) => log(`The update can't be concluded: ${error.message}`));
    },
  });
  const link = new Link(identity, session);
  const updater = new Updater({
    installation: new Installation(paths),
    edge: identity.edge,
    version,
    isIdle: () => journal.unfinished().length === 0,
    tell: (failed) => link.send({ type: "update-failed", ...failed }),
    handOver: () => end(switchVersionExitCode),
    log,
  });

  await images.clean();
  vms.on("event", (event, vm, message) => session.event(event, vm, message));
  await vms.load();
  if (journal.noteBoot(bootId)) await vms.startAutostart();
  scheduler.resume();

  const status = async () => {
    const machines = await vms.reports();
    return {
      ...{ version, pid: process.pid, hostId: identity.hostId, edge: identity.edge },
      session: session.isSynced ? journal.greatestEpoch : null,
      machines: { all: machines.length, running: machines.filter(({ power }) => power === "running").length },
      operations: journal.entries().length,
      update: updater.doing,
    };
  };
  setInterval(() => void trimSerialLogs(paths, vms.ids(), log), trimEveryMs).unref();
  const end = (code: number) => {
    link.stop();
    vms.close();
    journal.close();
    process.exit(code);
  };
  for (const signal of ["SIGTERM", "SIGINT", "disconnect"] as const) process.once(signal, () => end(0));
  if (isLaunched) onLauncherGone(() => end(0));
  answerQuestions(paths, { status, update: async () => ({ message: await updater.toLatest() }) }, log);

  prepareTiny(images);
  await link.run();
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

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
}

main().catch((error: Error) => {
  console.error(`voidvm-agent: ${error.message}`);
  process.exit(1);
});
