/**
 * The edge as a process of its own, as `npm start` and the end-to-end tests run it. It ends with the process that
 * started it.
 *
 * Environment: VOIDVM_HOME, PORT, VOIDVM_BIND, VOIDVM_ADMIN_PASSWORD, VOIDVM_CORS_ORIGINS, VOIDVM_ADDRESS_HEADER,
 * VOIDVM_PUBLIC_URL.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { addressesFor, isLoopback } from "./edge/addresses.ts";
import { type Admin, prepareAdmin, readAdmin } from "./edge/admin.ts";
import { readSecrets } from "./edge/secrets.ts";
import { startEdge } from "./edge.ts";
import { buildWorker } from "./build.ts";
import { projectVersion } from "./project.ts";
import { exitCodeForGood, UserError } from "./user-error.ts";
import { readSettings } from "./start/settings.ts";

/** What the edge tells the process that started it. */
export type EdgeMessage =
  /** The port is open. */
  | { readonly type: "ready" }
  | { readonly type: "admin"; readonly admin: Admin | null; readonly defaultPassword: boolean }
  /** It ends with `exitCodeForGood`, since it would fail again. */
  | { readonly type: "refused"; readonly reason: string };

const hadParent = process.connected;
let ending = false;

async function main(): Promise<void> {
  const { home, port, bind, adminPassword } = readSettings(process.env);
  // workerd has no business with it beyond the binding.
  delete process.env["VOIDVM_ADMIN_PASSWORD"];
  const onLoopback = bind === undefined || isLoopback(bind);

  // Miniflare leaves its temporary files behind when it is killed, so they have a place where the next start finds them.
  const temporary = join(home, "edge-tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  process.env["TMPDIR"] = temporary;

  const prepare = (db: D1Database) => prepareAdmin(db, { adminPassword, onLoopback, bind });
  const { worker, assets } = await buildWorker();
  const edge = await startEdge({
    home,
    worker,
    assets,
    addresses: await addressesFor(bind),
    port,
    vars: {
      ...(await readSecrets(home)),
      VOIDVM_DEFAULT_ADMIN: onLoopback ? "allowed" : "refused",
      VOIDVM_VERSION: projectVersion,
      VOIDVM_STARTED_AT: new Date().toISOString(),
      ...(adminPassword === undefined ? {} : { VOIDVM_ADMIN_PASSWORD: adminPassword }),
      ...passedOn("VOIDVM_CORS_ORIGINS", "VOIDVM_ADDRESS_HEADER", "VOIDVM_PUBLIC_URL"),
    },
    prepare,
    // Away from loopback the password is looked at each time.
    trustEarlierStart: onLoopback,
    onLog: (level, text) => {
      const write = level === "error" ? console.error : console.log;
      write(`${new Date().toISOString()} ${text}`);
    },
  });

  const end = () => {
    if (ending) return;
    ending = true;
    // Should it hang, the kernel still ends workerd with this process.
    setTimeout(() => process.exit(1), 3_000).unref();
    void edge.stop().finally(() => process.exit(0));
  };
  // Miniflare's own would end this process before workerd has ended.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeAllListeners(signal).once(signal, end);
  process.once("disconnect", end);
  // The one who started it may have gone while it started.
  if (hadParent && !process.connected) return end();

  tell({ type: "ready" });
  const db = await edge.database();
  await prepare(db);
  tell({ type: "admin", ...(await readAdmin(db)) });
}

function tell(message: EdgeMessage, whenTold?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, whenTold);
  else whenTold?.();
}

/** Variables that are the Worker's alone, as its Env explains them. */
function passedOn(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

main().catch((error: Error) => {
  if (ending) return;
  if (error instanceof UserError) {
    if (!process.connected) console.error(error.message);
    tell({ type: "refused", reason: error.message }, () => process.exit(exitCodeForGood));
    return;
  }
  console.error(error.stack ?? error.message);
  process.exit(1);
});
