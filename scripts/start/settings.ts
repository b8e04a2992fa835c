/** What the environment says about a start. */
import { join, resolve } from "node:path";
import { isIP } from "node:net";
import { projectFolder } from "../project.ts";
import { UserError } from "../user-error.ts";

export interface Settings {
  readonly home: string;
  readonly port: number;
  /** Undefined: loopback only. */
  readonly bind: string | undefined;
  readonly adminPassword: string | undefined;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    home: env["VOIDVM_HOME"] ? resolve(env["VOIDVM_HOME"]) : join(projectFolder, ".voidvm"),
    port: readPort(env["PORT"] || "3000"),
    bind: readBind(env["VOIDVM_BIND"] || undefined),
    adminPassword: env["VOIDVM_ADMIN_PASSWORD"] || undefined,
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UserError(`PORT is '${text}': use a number from 1 to 65535.`);
}

function readBind(bind: string | undefined): string | undefined {
  if (bind === undefined || bind === "localhost" || isIP(bind) > 0) return bind;
  throw new UserError(`VOIDVM_BIND is '${bind}': use an IP address of this machine, or 0.0.0.0 for all of them.`);
}
