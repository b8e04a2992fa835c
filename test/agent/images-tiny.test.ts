/** The store and `tiny`, with the builder replaced: what the store does with what is built, and with failures. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ImageStore } from "../../agent/images.ts";
import { HostPaths } from "../../agent/paths.ts";
import { buildTinyImageApart } from "../../agent/tiny-image/build-apart.ts";

vi.mock(import("../../agent/tiny-image/build-apart.ts"), async (actual) => ({
  ...(await actual()),
  buildTinyImageApart: vi.fn(),
}));

const tiny = { id: "img-tiny", source: { from: "tiny" as const } };
const build = vi.mocked(buildTinyImageApart);
let folder: string;
let paths: HostPaths;
let store: ImageStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-tiny-store-"));
  paths = new HostPaths(join(folder, "home"), join(folder, "run"));
  paths.prepare();
  store = new ImageStore(paths);
  build.mockReset();
  build.mockImplementation(async ({ output, log }) => {
    log?.("making the disk");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", output, "64M"]);
  });
});

afterEach(() => rmSync(folder, { recursive: true }));

it("builds it once for all who ask, tells them how far it is, and keeps it read-only", async () => {
  const told: string[] = [];
  const asked = [1, 2, 3].map(() => store.ensure(tiny, (percent, message) => told.push(`${percent} ${message}`)));
  const [path] = await Promise.all(asked);

  expect(build).toHaveBeenCalledTimes(1);
  expect(told).toEqual(Array(3).fill("15 making the disk"));
  expect(path).toBe(store.path(tiny));
  expect(statSync(path ?? "").mode & 0o777).toBe(0o444);
  expect(await new ImageStore(paths).ensure(tiny)).toBe(path);
  expect(build).toHaveBeenCalledTimes(1);
});

it.for([
  ["apt-get failed (100): could not resolve deb.debian.org", "IMAGE_UNAVAILABLE"],
  ["mke2fs failed (1): No space left on device", "NO_SPACE"],
  ["ENOSPC: no space left on device, write", "NO_SPACE"],
])("fails as its builder does, with nothing left: %s", async ([message, code]) => {
  build.mockImplementation(async ({ output }) => {
    mkdirSync(`${output}.building-x`);
    rmSync(`${output}.building-x`, { recursive: true });
    throw new Error(message);
  });

  await expect(store.ensure(tiny)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message ?? "") as string,
  });
  expect(readdirSync(paths.imagesDir)).toEqual([]);
});

it("calls the builder off when nobody waits any more", async () => {
  const reason = new Promise<string>((resolve) => {
    build.mockImplementation(async ({ signal }) => {
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    });
    const controller = new AbortController();
    store.ensure(tiny, undefined, controller.signal).catch((error: { code: string }) => resolve(error.code));
    setTimeout(() => controller.abort(), 20);
  });

  expect(await reason).toBe("CANCELLED");
});
