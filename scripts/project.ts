/** Where the project lies, and what its own files say about it. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const projectFolder = resolve(import.meta.dirname, "..");

export const projectVersion = (
  JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")) as { version: string }
).version;

export interface WorkerSettings {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: string[];
}

/** What wrangler.toml says about the runtime, so that the local edge and Cloudflare agree. */
export function readWorkerSettings(): WorkerSettings {
  const toml = readFileSync(join(projectFolder, "wrangler.toml"), "utf8");
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)?.[1];
  const flags = /^compatibility_flags\s*=\s*(\[[^\]]*\])/m.exec(toml)?.[1];
  if (!date || !flags) throw new Error("wrangler.toml names no compatibility_date or compatibility_flags");
  return { compatibilityDate: date, compatibilityFlags: JSON.parse(flags) as string[] };
}
