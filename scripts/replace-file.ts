/** Writes a file so that a reader sees one whole content or the other, as when two builds run at the same time. */
import { rename, writeFile } from "node:fs/promises";

export async function replaceFile(path: string, contents: string | Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, contents);
  await rename(beside, path);
}
