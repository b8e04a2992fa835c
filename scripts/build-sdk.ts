/** Builds the package @void-vm/sdk: ES modules with their types, as they are published. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectFolder } from "./project.ts";

const project = join(projectFolder, "sdk/typescript");

/** Into `folder`, by default where package.json looks for it. */
export async function buildSdk(folder = join(project, "dist")): Promise<string> {
  // Built beside its place and moved there: two may build at once, and what is no module any more must go.
  const beside = `${folder}.${process.pid}`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true });
  const compiler = join(projectFolder, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [
    compiler,
    "-p",
    join(project, "tsconfig.build.json"),
    "--outDir",
    beside,
  ]);
  for (const name of await readdir(beside, { recursive: true })) {
    if (name.endsWith(".d.ts")) await importJavaScript(join(beside, name));
  }
  await rm(folder, { recursive: true, force: true });
  await rename(beside, folder);
  return folder;
}

/** The compiler leaves `./x.ts` in declarations, which some that read them take for a file that must be there. */
async function importJavaScript(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replaceAll(/((?:from|import\() ?"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}
