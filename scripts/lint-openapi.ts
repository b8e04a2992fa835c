/** `npm run lint:openapi`: writes the document that the API serves to `dist/openapi.json` and has it judged by Redocly's linter. */
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { app } from "../api/app.ts";
import { openApiDocument } from "../api/openapi/document.ts";
import { projectFolder, projectVersion } from "./project.ts";

export interface LintResult {
  readonly passed: boolean;
  readonly output: string;
}

export async function lintOpenApi(): Promise<LintResult> {
  const file = join(projectFolder, "dist", "openapi.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(openApiDocument(app.routes, projectVersion), null, 2)}\n`);

  const redocly = join(dirname(createRequire(import.meta.url).resolve("@redocly/cli/package.json")), "bin", "cli.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [redocly, "lint", "--max-problems=1000", file], {
    cwd: projectFolder,
    encoding: "utf8",
    // It asks nobody and tells nobody.
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
  return { passed: status === 0, output: `${stdout}${stderr}`.trim() };
}

if (import.meta.main) {
  const { passed, output } = await lintOpenApi();
  console.log(output);
  process.exitCode = passed ? 0 : 1;
}
