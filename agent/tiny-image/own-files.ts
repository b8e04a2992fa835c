/** The guest's files that are ours: in this folder, or in the bundle. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundled } from "../bundled.ts";

/** The folder that has `rootfs` and `initramfs` in it. What a bundle carries is laid out in `work`. */
export async function provideOwnFiles(work: string): Promise<string> {
  if (!bundled) return import.meta.dirname;
  for (const [name, text] of Object.entries(bundled.tiny.files)) {
    const path = join(work, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return work;
}
