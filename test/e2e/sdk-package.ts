/** A folder as a user of the SDK has it: the built package in node_modules, and nothing else. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { projectFolder } from "../../scripts/project.ts";

export async function userFolder(folder: string): Promise<void> {
  const installed = join(folder, "node_modules/@void-vm/sdk");
  await mkdir(installed, { recursive: true });
  await copyFile(join(projectFolder, "sdk/typescript/package.json"), join(installed, "package.json"));
  await buildSdk(join(installed, "dist"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
}
