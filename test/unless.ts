/** Why tests are left out on this machine, as their options; `npm test` tells it at its end. */
import { existsSync } from "node:fs";
import type { TestOptions } from "vitest";

/** Leaves nothing out where there is no obstacle. */
export function unless(obstacle: string | null): TestOptions {
  return obstacle === null ? {} : { skip: true, meta: { skippedBecause: obstacle } };
}

/** For `unless`: what Debian's package of that name would bring. */
export function notHere(path: string, debianPackage: string): string | null {
  return existsSync(path) ? null : `${path} is not here: Debian's package ${debianPackage} has it`;
}
