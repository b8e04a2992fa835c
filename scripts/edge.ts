/**
 * The Worker on this machine: workerd through Miniflare, on the same D1 and objects as on Cloudflare, kept on disk.
 *
 * Nothing answers on the port before the database has its tables. workerd never outlives the process that calls this.
 * Miniflare changes between versions: its options stand here and nowhere else.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { applyMigrations, migrationsFolder } from "./edge/migrations.ts";
import { readOutput } from "./edge/output.ts";
import { isPrepared, notePrepared } from "./edge/prepared.ts";
import { readWorkerSettings } from "./project.ts";

export interface EdgeOptions {
  /** The state is kept in `edge` below it. */
  readonly home: string;
  /** The bundle that `buildWorker` made. */
  readonly worker: string;
  /** The folder that `buildAssets` made. */
  readonly assets: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Variables and secrets of the Worker. */
  readonly vars: Readonly<Record<string, string>>;
  /** Runs on the migrated database before the port is opened. If it throws, the port stays closed. */
  readonly prepare: (db: D1Database) => Promise<void>;
  /** Whether it is enough that an earlier start has prepared this very database. */
  readonly trustEarlierStart: boolean;
  readonly onLog: (level: "info" | "error", message: string) => void;
}

export interface EdgeHandle {
  database(): Promise<D1Database>;
  /** Runs the `scheduled` handler, as Cloudflare's cron would. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

const cron = "* * * * *";

export async function startEdge(options: EdgeOptions): Promise<EdgeHandle> {
  process.env["MINIFLARE_WORKERD_PATH"] = join(import.meta.dirname, "edge", "workerd.sh");
  const contents = await readFile(options.worker, "utf8");
  const databaseFolder = join(options.home, "edge");
  const openAtOnce = options.trustEarlierStart && (await isPrepared(databaseFolder));

  const output = await readOutput(join(options.home, "edge-output"), options.onLog);
  const optionsFor = (addresses: readonly string[]) => miniflareOptions(options, contents, addresses, output.path);

  const miniflare = new Miniflare(optionsFor(openAtOnce ? options.addresses : []));
  const dispose = async () => {
    try {
      await miniflare.dispose();
    } finally {
      await output.close();
    }
  };
  const database = async () => (await miniflare.getD1Database("DB")) as unknown as D1Database;
  try {
    await miniflare.ready;
    if (!openAtOnce) {
      const db = await database();
      await applyMigrations(db, migrationsFolder);
      await options.prepare(db);
      await notePrepared(databaseFolder);
      await miniflare.setOptions(optionsFor(options.addresses));
      await miniflare.ready;
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  const sweep = async () => {
    const worker = await miniflare.getWorker("voidvm");
    await worker.scheduled({ cron, scheduledTime: new Date() });
  };
  const stopClock = everyMinute(() => {
    sweep().catch((error: Error) => options.onLog("error", `The cron handler failed: ${error.message}`));
  });
  return {
    database,
    sweep,
    stop: async () => {
      stopClock();
      await dispose();
    },
  };
}

function miniflareOptions(options: EdgeOptions, contents: string, addresses: readonly string[], output: string) {
  const sockets = addresses.map((host) => ({ host, port: options.port }));
  const settings = readWorkerSettings();
  return convertV4MiniflareOptions({
    // Miniflare's own entry is slower and is not used; it listens on a free port of loopback.
    host: "127.0.0.1",
    port: 0,
    // Otherwise Miniflare asks Cloudflare where on Earth it is.
    cf: false,
    telemetry: { enabled: false },
    resourcePersistencePath: join(options.home, "edge"),
    log: new EdgeLog(options.onLog),
    // Has workerd write structured logs; none arrive here, `output.ts` reads them.
    handleStructuredLogs: () => {},
    unsafeRuntimeEnv: {
      VOIDVM_WORKERD: createRequire(import.meta.url)("workerd").default as string,
      VOIDVM_EDGE_PID: String(process.pid),
      VOIDVM_OUTPUT: output,
    },
    workers: [
      {
        name: "voidvm",
        modules: [{ type: "ESModule", path: options.worker, contents }],
        ...settings,
        bindings: { ...options.vars },
        d1Databases: { DB: "voidvm" },
        assets: { directory: options.assets, binding: "ASSETS" },
        durableObjects: {
          HOST_LINK: { className: "HostLink", useSQLite: true },
          CONSOLE_STREAM: { className: "ConsoleStream", useSQLite: true },
          USER_GATE: { className: "UserGate", useSQLite: true },
          USER_HUB: { className: "UserHub", useSQLite: true },
        },
      },
      // A socket of its own would lead through the two Workers that Miniflare puts before one with static assets, and it
      // could have one only. So the sockets belong to Workers without code, and lead to it itself.
      ...sockets.map((socket, index) => ({
        name: `voidvm-address-${index + 1}`,
        modules: [{ type: "ESModule" as const, path: "empty.mjs", contents: "export default {};" }],
        ...settings,
        unsafeDirectSockets: [{ ...socket, serviceName: "voidvm" }],
      })),
    ],
  });
}

class EdgeLog extends Log {
  readonly #onLog: EdgeOptions["onLog"];

  constructor(onLog: EdgeOptions["onLog"]) {
    super(LogLevel.WARN);
    this.#onLog = onLog;
  }

  override log(message: string): void {
    this.#onLog("error", message);
  }
}

function everyMinute(act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = () => {
    timer = setTimeout(
      () => {
        arm();
        act();
      },
      60_000 - (Date.now() % 60_000),
    );
  };
  arm();
  return () => clearTimeout(timer);
}
