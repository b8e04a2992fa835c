/**
 * The Worker's static assets in `dist/assets`: the documentation page, with all that it loads.
 *
 * A file is written beside its place and moved there, since two starts may build at the same time.
 */
import { copyFile, mkdir, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { projectFolder } from "./project.ts";

const require = createRequire(import.meta.url);

const fromSwaggerUi = ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "LICENSE", "NOTICE"];
const ours = ["docs.js", "docs.css"];

/** Returns the folder. */
export async function buildAssets(): Promise<string> {
  const folder = join(projectFolder, "dist", "assets");
  const swaggerUi = dirname(require.resolve("swagger-ui-dist/package.json"));
  const page = join(projectFolder, "api", "docs-page");
  await mkdir(join(folder, "docs"), { recursive: true });
  await Promise.all([
    put(join(page, "docs.html"), join(folder, "docs.html")),
    ...ours.map((name) => put(join(page, name), join(folder, "docs", name))),
    ...fromSwaggerUi.map((name) => put(join(swaggerUi, name), join(folder, "docs", name))),
  ]);
  return folder;
}

async function put(from: string, to: string): Promise<void> {
  const beside = `${to}.${process.pid}`;
  await copyFile(from, beside);
  await rename(beside, to);
}
