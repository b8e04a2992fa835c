/** Which version of the agent this is. */
import { readFile } from "node:fs/promises";
import { bundled } from "./bundled.ts";

export async function agentVersion(): Promise<string> {
  if (bundled) return bundled.version;
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
