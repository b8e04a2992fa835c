/**
 * `npm start`: checks, builds, starts the edge and an agent for this machine, and keeps both alive until it is ended.
 *
 * Whichever way it ends, both end with it, and the machines go on; the next start finds them.
 */
import { join } from "node:path";
import type { ParentMessage } from "../agent/parent.ts";
import { missingFor, packagesSentence } from "./bootstrap/debian-packages.mjs";
import { buildWorker } from "./build.ts";
import type { EdgeMessage } from "./edge-main.ts";
import { projectVersion } from "./project.ts";
import { agentNodeOptions } from "./release/bundle-agent.ts";
import { checkPort } from "./start/checks.ts";
import { enrolmentToken, hostIsUnknown, readHostId } from "./start/enrolment.ts";
import { greeting } from "./start/greeting.ts";
import { ImageProgress } from "./start/image-progress.ts";
import { LogFile } from "./start/log-file.ts";
import { readSettings, type Settings } from "./start/settings.ts";
import { StateFolder } from "./start/state-folder.ts";
import { Supervised } from "./start/supervised.ts";
import { watchSources } from "./start/watch-sources.ts";
import { UserError } from "./user-error.ts";

type AdminMessage = Extract<EdgeMessage, { type: "admin" }>;

const stopGraceMs = 4_000;
const edgeReadyTimeoutMs = 60_000;
const agentReadyTimeoutMs = 60_000;
/** An edge that has never answered and dies so often won't answer the next time. */
const maxFirstDeaths = 3;

const children: { stop(graceMs: number): Promise<void> }[] = [];
let folder: StateFolder | undefined;
let ending = false;

async function main(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));
  process.once("disconnect", () => void end(0));
  // Whoever read the output may have stopped to.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});

  const settings = readSettings(process.env);
  say(`VoidVM ${projectVersion}`);
  const missing = missingFor("start");
  if (missing.length > 0) throw new UserError(packagesSentence(missing));
  folder = await StateFolder.open(settings.home);
  await checkPort(settings.bind, settings.port);

  const started = performance.now();
  const built = await buildWorker();
  if (built.changed) say(`  worker      built in ${seconds(started)}`);

  const { edge, admin } = await startEdgeProcess(settings, folder);
  say(`  edge        answers on port ${settings.port}, state in ${settings.home}`);
  const isWatching = process.argv.includes("--watch");
  // The bundle is what hosts run, and takes 38 MiB less than the sources; those need no build after a change.
  const node = isWatching ? ["agent/main.ts"] : [...agentNodeOptions, built.agent, "run"];
  const agent = await startAgentProcess(node, settings, folder, admin);
  say(greeting(settings, (await admin).defaultPassword));
  if (isWatching) watchSources({ edge, agent, say });
}

async function startEdgeProcess(settings: Settings, folder: StateFolder) {
  const ready = Promise.withResolvers<true>();
  const admin = Promise.withResolvers<AdminMessage>();
  const edge = new Supervised<EdgeMessage>({
    name: "edge",
    node: ["scripts/edge-main.ts"],
    log: new LogFile(join(folder.path, "logs", "edge.log"), (line) => say(`  edge        ${line}`)),
    environment: async () => ({ ...process.env, VOIDVM_HOME: settings.home, PORT: String(settings.port) }),
    onSpawn: (pid) => folder.noteChild("edge", pid),
    onMessage: (message) => {
      if (message.type === "ready") ready.resolve(true);
      else if (message.type === "admin") admin.resolve(message);
      else fail(new UserError(message.reason));
    },
  });
  children.push(edge);

  let answered = false;
  let deaths = 0;
  edge.on("died", (how) => {
    say(`  edge        ${how}; starting it again`);
    deaths += 1;
    if (!answered && deaths === maxFirstDeaths) {
      ready.reject(new UserError(`The edge can't be started: ${join(folder.path, "logs", "edge.log")} tells why.`));
    }
  });

  edge.start();
  answered = (await orTimeout(ready.promise, edgeReadyTimeoutMs)) === true;
  if (!answered) throw new UserError(`The edge did not answer within ${edgeReadyTimeoutMs / 1000} s.`);
  return { edge, admin: admin.promise };
}

async function startAgentProcess(
  node: readonly string[],
  settings: Settings,
  folder: StateFolder,
  admin: Promise<AdminMessage>,
) {
  const ready = Promise.withResolvers<true>();
  const image = new ImageProgress(say);
  const origin = `http://127.0.0.1:${settings.port}`;
  const agentHome = join(folder.path, "agent");
  const enrolment = async () => ({ home: folder.path, origin, admin: (await admin).admin });
  let unknownHostId: string | undefined;

  const agent = new Supervised<ParentMessage>({
    name: "agent",
    node,
    log: new LogFile(join(folder.path, "logs", "agent.log"), (line) => say(`  agent       ${line}`)),
    environment: async () => {
      const hostId = await readHostId(agentHome);
      const enrolled = hostId !== null && hostId !== unknownHostId;
      return agentEnvironment(agentHome, origin, enrolled ? null : await enrolmentToken(await enrolment()));
    },
    onSpawn: (pid) => folder.noteChild("agent", pid),
    onMessage: (message) => {
      if (message.type === "ready") ready.resolve(true);
      else image.show(message.percent, message.message);
    },
  });
  children.push(agent);
  agent.on("died", (how) => say(`  agent       ${how}; starting it again`));
  const hostId = await readHostId(agentHome);
  agent.start();

  // An agent that was enrolled before doesn't wait for the question whether the edge still knows it.
  if (hostId !== null && (await hostIsUnknown(hostId, await enrolment()))) {
    say("  agent       this edge does not know its host; enrolling again");
    unknownHostId = hostId;
    agent.restart();
  }
  const online = await orTimeout(ready.promise, agentReadyTimeoutMs);
  say(online ? "  agent       online" : "  agent       is not online yet; it goes on trying");
  return agent;
}

function agentEnvironment(agentHome: string, origin: string, token: string | null): NodeJS.ProcessEnv {
  const { VOIDVM_ADMIN_PASSWORD: _, ...inherited } = process.env;
  return {
    VOIDVM_ACCEL: "auto",
    VOIDVM_ALLOW_EMULATION: "1",
    // As the launcher of installed agents has it.
    MALLOC_ARENA_MAX: "1",
    ...inherited,
    VOIDVM_EDGE: origin,
    VOIDVM_AGENT_HOME: agentHome,
    ...(token === null ? {} : { VOIDVM_ENROLMENT_TOKEN: token }),
  };
}

function say(text: string): void {
  if (!ending) console.log(text);
}

/** Ends the children and then this process, once, however often it is asked for. */
async function end(code: number): Promise<void> {
  if (ending) return;
  if (code === 0 && children.length > 0) say("Ending; the machines go on …");
  ending = true;
  await Promise.all(children.map((child) => child.stop(stopGraceMs)));
  folder?.close();
  process.exit(code);
}

function fail(error: Error): void {
  if (ending) return;
  console.error(error instanceof UserError ? error.message : error.stack);
  void end(1);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function orTimeout<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: timeout, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

main().catch(fail);
