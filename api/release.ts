/** The release that this edge gives to its hosts, as its static assets have it. */
import { parseRelease, type Release, releasePath } from "../protocol/release.ts";
import type { Env } from "./env.ts";
import { ApiError } from "./errors.ts";

/** The binding looks at the path alone. */
const anyOrigin = "http://assets.local";

/** Errors: UNAVAILABLE where the edge was deployed without one. */
export async function readRelease(env: Env): Promise<Release> {
  return parseRelease(await (await releaseAsset(env, "manifest")).text()).release;
}

/** Errors: UNAVAILABLE. */
export async function releaseAsset(env: Env, name: string): Promise<Response> {
  const asset = await env.ASSETS.fetch(new Request(`${anyOrigin}${releasePath}/${name}`));
  if (asset.ok) return asset;
  throw new ApiError("UNAVAILABLE", `This edge was deployed without ${name} of a release: run npm run build first`);
}
