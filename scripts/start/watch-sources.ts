/** `npm run dev`: after a change, builds the Worker again, and restarts the side that the change belongs to. */
import { watch } from "node:fs";
import { join } from "node:path";
import { buildWorker } from "../build.ts";
import { projectFolder } from "../project.ts";

interface Sides {
  readonly edge: { restart(): void };
  readonly agent: { restart(): void };
  readonly say: (text: string) => void;
}

/** Editors write a file in several steps, and many files at once. */
const settleMs = 200;

export function watchSources({ edge, agent, say }: Sides): void {
  const rebuild = async () => {
    try {
      if ((await buildWorker()).changed) edge.restart();
    } catch (error) {
      say(`  worker      ${(error as Error).message}`);
    }
  };
  watchFolders(["api", "db", "protocol"], () => void rebuild());
  watchFolders(["agent", "protocol"], () => agent.restart());
}

function watchFolders(folders: readonly string[], act: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  for (const folder of folders) {
    watch(join(projectFolder, folder), { recursive: true }, (_event, name) => {
      if (!name?.endsWith(".ts")) return;
      clearTimeout(timer);
      timer = setTimeout(act, settleMs);
    });
  }
}
