/** Names the recipe, so that an image made by another one is rebuilt. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { bundled } from "../bundled.ts";

/** Raise it to have every image rebuilt, as after a security fix in Debian's packages, which the hash doesn't see. */
const recipe = 1;

let known: string | undefined;

/** `1-` and twelve hexadecimal digits of a hash over the builder's sources and the guest's own files. */
export function tinyImageVersion(): string {
  known ??= bundled?.tiny.version ?? `${recipe}-${hashOf(import.meta.dirname).slice(0, 12)}`;
  return known;
}

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && !file.name.endsWith(".md"))
    .map((file) => join(file.parentPath, file.name))
    .sort();
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${file.slice(folder.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
