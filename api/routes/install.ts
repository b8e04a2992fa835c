/** `/install.sh`: what a machine runs to become a host. The asset `release/install.sh` with the edge's own address in it. */
import { type Context, Hono } from "hono";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { publicOrigin } from "../public-origin.ts";
import { releaseAsset } from "../release.ts";

const placeholder = "@EDGE@";
/** It goes between quotes of a shell script, and a Host header may hold what would end them. */
const plainOrigin = /^https?:\/\/[\w.:[\]-]+$/;

export const install = new Hono<AppEnv>().get("/", async (c) => {
  const asset = await releaseAsset(c.env, "install.sh");
  const script = (await asset.text()).replaceAll(placeholder, installOrigin(c));
  return c.body(script, 200, { "Content-Type": "text/x-shellscript; charset=utf-8", "Cache-Control": "no-store" });
});

/** The one command that makes a machine a host. */
export function installCommand(c: Context<AppEnv>, token: string): string {
  return `curl -fsSL ${installOrigin(c)}/install.sh | sudo sh -s -- ${token}`;
}

/** Errors: INVALID_REQUEST_PARAMS where the address by which the edge was asked can't stand in a shell command. */
function installOrigin(c: Context<AppEnv>): string {
  const origin = publicOrigin(c);
  if (plainOrigin.test(origin)) return origin;
  throw new ApiError("INVALID_REQUEST_PARAMS", "The edge was asked by a host name that is none");
}
