/**
 * The configuration as this isolate knows it: read from D1 when first needed, and again after five seconds of use.
 *
 * Who asks gets what is known at once; the new reading is for the next. Only admitted requests begin one, so that a
 * refused request never costs a call to D1, and a change is everywhere within seconds all the same.
 */
import type { Context } from "hono";
import { readConfig } from "../db/config.ts";
import { type Config, defaultConfig } from "../protocol/config.ts";
import type { AppEnv } from "./env.ts";

const freshMs = 5_000;

let known: { config: Config; readAt: number } | null = null;

export async function currentConfig(c: Context<AppEnv>): Promise<Config> {
  // Without a database the limits are the defaults, and whatever needs more than them tells the real reason.
  return known?.config ?? (await read(c.env.DB).catch(() => defaultConfig));
}

/** Begins a new reading if the last one is old. */
export function refreshConfig(c: Context<AppEnv>): void {
  if (!known || Date.now() - known.readAt < freshMs) return;
  // One reading at a time: whoever comes while it runs finds a fresh time.
  known = { ...known, readAt: Date.now() };
  c.executionCtx.waitUntil(read(c.env.DB).catch(() => {}));
}

/** What was just written here takes effect here at once. */
export function rememberConfig(config: Config): void {
  known = { config, readAt: Date.now() };
}

/** A promise of one request must not be awaited by another, so two readings may run side by side. */
async function read(d1: D1Database): Promise<Config> {
  const config = await readConfig(d1);
  rememberConfig(config);
  return config;
}
