/**
 * The edge as a process of its own, as `npm start` and the end-to-end tests run it. It ends with the process that
 * started it.
 *
 * Environment: VOIDVM_HOME, PORT, VOIDVM_BIND, VOIDVM_ADMIN_PASSWORD, VOIDVM_CORS_ORIGINS, VOIDVM_ADDRESS_HEADER. Exit
 * code 78 means that starting again as it is would fail again; the last line on stderr says why.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { addressesFor, isLoopback } from "./edge/addresses.ts";
import { prepareAdmin } from "./edge/admin.ts";
import { readSecrets } from "./edge/secrets.ts";
import { startEdge } from "./edge.ts";
import { buildWorker } from "./build.ts";
import { projectVersion } from "./project.ts";
import { exitCodeForGood, UserError } from "./user-error.ts";
import { readSettings } from "./start/settings.ts";

/** What the edge tells the process that started it. */
export type EdgeMessage = {
  readonly type: "ready";
  readonly admin: { readonly id: string; readonly username: string } | null;
  readonly defaultPassword: boolean;
};

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

  let message: EdgeMessage | undefined;
  const edge = await startEdge({
    home,
    ...(await buildWorker()),
    addresses: await addressesFor(bind),
    port,
    vars: {
      ...(await readSecrets(home)),
      VOIDVM_DEFAULT_ADMIN: onLoopback ? "allowed" : "refused",
      VOIDVM_VERSION: projectVersion,
      VOIDVM_STARTED_AT: new Date().toISOString(),
      ...(adminPassword === undefined ? {} : { VOIDVM_ADMIN_PASSWORD: adminPassword }),
      ...passedOn("VOIDVM_CORS_ORIGINS", "VOIDVM_ADDRESS_HEADER"),
    },
    beforeListening: async (db) => {
      message = { type: "ready", ...(await prepareAdmin(db, { adminPassword, onLoopback, bind })) };
    },
    onLog: (level, text) => {
      const write = level === "error" ? console.error : console.log;
      write(`${new Date().toISOString()} ${text}`);
    },
  });

  const end = () => {
    // Should it hang, the kernel still ends workerd with this process.
    setTimeout(() => process.exit(1), 3_000).unref();
    void edge.stop().finally(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.once("disconnect", end);
  // The one who started it may have gone while it started.
  if (process.channel && !process.connected) end();
  else process.send?.(message);
}

/** Variables that are the Worker's alone, as its Env explains them. */
function passedOn(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

main().catch((error: Error) => {
  console.error(error instanceof UserError ? error.message : (error.stack ?? error.message));
  process.exit(error instanceof UserError ? exitCodeForGood : 1);
});
