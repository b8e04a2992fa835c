/** The packages as they are published: small, without dependencies, typed for every way of resolving them. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectFolder, projectVersion } from "../../scripts/project.ts";
import { userFolder } from "../e2e/sdk-package.ts";

let folder: string;
let installed: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "voidvm-sdk-"));
  await userFolder(folder);
  installed = join(folder, "node_modules/@void-vm/sdk");
});
afterAll(() => rm(folder, { recursive: true }));

const bundled = async (contents: string) => {
  const { outputFiles } = await build({
    ...{ bundle: true, minify: true, write: false, format: "esm", logLevel: "silent" },
    stdin: { contents, resolveDir: folder },
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
};

it("the whole SDK is less than 12 kB, and who needs one thing of it gets that", async () => {
  const whole = await bundled('export * from "@void-vm/sdk";');
  expect(whole).toBeGreaterThan(1_000);
  expect(whole).toBeLessThan(12_000);
  expect(await bundled('export { VoidVMError } from "@void-vm/sdk";')).toBeLessThan(1_000);
});

it("imports nothing but itself", async () => {
  const files = await readdir(join(installed, "dist"), { recursive: true });
  const texts = await Promise.all(
    files.filter((name) => /\.(js|d\.ts)$/.test(name)).map((name) => readFile(join(installed, "dist", name), "utf8")),
  );
  const imported = texts.flatMap((text) => [...text.matchAll(/(?:from|import\() ?"([^"]+)"/g)].map(([, name]) => name));
  expect(imported.length).toBeGreaterThan(20);
  expect(imported.filter((name) => !/^\.{1,2}\/.*\.js$/.test(name ?? ""))).toEqual([]);
  expect(JSON.parse(await readFile(join(installed, "package.json"), "utf8"))).not.toHaveProperty("dependencies");
});

it.each(["nodenext", "bundler"])(
  "its types are found by %s, and refuse what the API doesn't take",
  async (resolution) => {
    const text = `import { type Vm, VoidVMClient } from "@void-vm/sdk";
const client = new VoidVMClient({ token: "t" });
export const vms: Promise<Vm[]> = client.vms.list({ status: "running" });
// @ts-expect-error
void client.vms.list({ status: "dreaming" });
// @ts-expect-error
void client.vms.create({ name: "a", colour: "red" });
`;
    await writeFile(join(folder, "types.ts"), text);
    const module = resolution === "bundler" ? "esnext" : "nodenext";
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false", "--types", ""];
    const compiler = join(projectFolder, "node_modules/typescript/bin/tsc");
    const words = [
      compiler,
      ...options,
      "--module",
      module,
      "--moduleResolution",
      resolution,
      "--target",
      "es2022",
      "types.ts",
    ];
    const run = promisify(execFile)(process.execPath, words, { cwd: folder });
    expect(await run.catch(({ stdout }: { stdout: string }) => stdout)).toMatchObject({ stdout: "" });
  },
);

it("both packages have the project's version", async () => {
  for (const name of ["sdk/typescript", "cli"]) {
    const text = await readFile(join(projectFolder, name, "package.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ version: projectVersion });
  }
});
