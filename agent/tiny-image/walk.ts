/** Lists what is in a folder, without following links: readdir's own `recursive` walks into links to folders as well. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";

export interface Entry {
  /** Relative to the folder. */
  name: string;
  path: string;
  kind: "file" | "folder" | "link";
}

/** A folder stands before its contents, and the order is the same everywhere. */
export async function walk(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { name: relative(folder, path), path, kind: kindOf(entry) };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindOf(entry: Dirent): Entry["kind"] {
  if (entry.isSymbolicLink()) return "link";
  return entry.isDirectory() ? "folder" : "file";
}
