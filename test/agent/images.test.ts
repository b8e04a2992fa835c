/** The store of images before a publisher that is real, on loopback, and not always honest. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ImageStore } from "../../agent/images.ts";
import { HostPaths } from "../../agent/paths.ts";
import { ImageReference } from "../../protocol/operations.ts";
import { FakeImageServer, redirectTo, sendForEver, sendPart } from "../fakes/image-server.ts";

let server: FakeImageServer;
let folder: string;
let paths: HostPaths;
let store: ImageStore;
let qcow2: Buffer;

beforeEach(async () => {
  server = await FakeImageServer.start();
  folder = mkdtempSync(join(tmpdir(), "voidvm-images-"));
  paths = new HostPaths(join(folder, "home"), join(folder, "run"));
  paths.prepare();
  store = new ImageStore(paths, { allowPrivateAddresses: true, maxImageBytes: 5_000_000 });
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", join(folder, "good.qcow2"), "1G"]);
  qcow2 = readFileSync(join(folder, "good.qcow2"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  rmSync(folder, { recursive: true });
});

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** An image that the publisher lists as `content`. */
function publish(content: Buffer, format: "qcow2" | "raw" = "qcow2"): ImageReference {
  server.files.set("/noble.img", content);
  server.files.set("/SHA256SUMS", `${sha256(content)} *noble.img\n`);
  const checksum = { algorithm: "sha256", listUrl: server.url("/SHA256SUMS") };
  return ImageReference.parse({
    id: "img-noble",
    source: { from: "url", url: server.url("/noble.img"), checksum, format },
  });
}

function stored(): string[] {
  return readdirSync(paths.imagesDir);
}

describe("an image", () => {
  it("is fetched once, verified, and kept read-only", async () => {
    const image = publish(qcow2);
    const path = await store.ensure(image);

    expect(readFileSync(path).equals(qcow2)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(await store.ensure(image)).toBe(path);
    expect(await new ImageStore(paths).ensure(image)).toBe(path);
    expect(server.requests).toEqual(["/SHA256SUMS", "/noble.img"]);
    expect(stored()).toHaveLength(1);
    expect(await store.ids()).toEqual([image.id]);
  });

  it("is fetched once for all who ask at the same time, and tells each how far it is", async () => {
    const image = publish(Buffer.concat([qcow2, Buffer.alloc(2_000_000)]), "qcow2");
    const told = [0, 0, 0];
    const all = await Promise.all(told.map((_, caller) => store.ensure(image, (percent) => (told[caller] = percent))));

    expect(new Set(all).size).toBe(1);
    expect(server.requests).toEqual(["/SHA256SUMS", "/noble.img"]);
    expect(told).toEqual([95, 95, 95]);
  });

  it("is verified by its own digest where the order has one", async () => {
    server.files.set("/x.img", qcow2);
    const source = { from: "url", url: server.url("/x.img"), format: "qcow2" };
    const image = (digest: string) =>
      ImageReference.parse({ id: "img-x", source: { ...source, checksum: { algorithm: "sha256", digest } } });

    await store.ensure(image(sha256(qcow2)));
    await expect(store.ensure(image("0".repeat(64)))).rejects.toMatchObject({ code: "IMAGE_CHECKSUM_MISMATCH" });
    await expect(store.ensure(image("0".repeat(128)))).rejects.toMatchObject({ code: "INVALID_ORDER" });
    expect(stored()).toHaveLength(1);
  });

  it("stays what it was when the publisher changes the file, and is another one under another address", async () => {
    const path = await store.ensure(publish(qcow2));
    const changed = publish(Buffer.concat([qcow2, Buffer.alloc(65_536)]));
    expect(await store.ensure(changed)).toBe(path);
    expect(readFileSync(path).equals(qcow2)).toBe(true);

    server.files.set("/new/noble.img", qcow2);
    const moved = ImageReference.parse({
      ...changed,
      source: { ...changed.source, url: server.url("/new/noble.img") },
    });
    expect(store.path(moved)).not.toBe(path);
  });

  it("may be raw", async () => {
    const raw = Buffer.alloc(4096, 1);

    expect(readFileSync(await store.ensure(publish(raw, "raw"))).equals(raw)).toBe(true);
  });

  it("is never taken without a checksum", async () => {
    const image = publish(qcow2);
    const source = { ...image.source, checksum: { algorithm: "sha256" } };
    await expect(store.ensure(ImageReference.parse({ ...image, source }))).rejects.toMatchObject({
      code: "INVALID_ORDER",
    });
    server.files.set("/SHA256SUMS", "nothing of interest\nhere\n");
    await expect(store.ensure(image)).rejects.toMatchObject({ code: "IMAGE_UNAVAILABLE" });

    expect(server.requests).not.toContain("/noble.img");
  });
});

describe("a fetch that fails leaves nothing behind", () => {
  afterEach(() => {
    // oxlint-disable-next-line vitest/no-standalone-expect -- what all of them promise
    expect(stored()).toEqual([]);
  });

  it("when the file is not what the list says", async () => {
    const image = publish(qcow2);
    server.files.set("/noble.img", Buffer.concat([qcow2, Buffer.from("x")]));

    await expect(store.ensure(image)).rejects.toMatchObject({ code: "IMAGE_CHECKSUM_MISMATCH" });
  });

  it("when the connection breaks, and the next try works", async () => {
    const image = publish(qcow2);
    server.files.set("/noble.img", sendPart(qcow2.subarray(0, 1000), qcow2.length, "breaks"));
    await expect(store.ensure(image)).rejects.toMatchObject({ code: "IMAGE_UNAVAILABLE" });
    expect(stored()).toEqual([]);

    server.files.set("/noble.img", qcow2);
    rmSync(await store.ensure(image), { force: true });
  });

  it("when it does not end", async () => {
    const image = publish(qcow2);
    server.files.set("/noble.img", sendForEver);

    await expect(store.ensure(image)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });

  it("when its list does not end", async () => {
    const image = publish(qcow2);
    server.files.set("/SHA256SUMS", sendForEver);

    await expect(store.ensure(image)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });

  it("when its header is unsafe, and no other program has seen it", async () => {
    const log = join(folder, "spawns");
    vi.stubEnv("VOIDVM_SPAWN_LOG", log);
    writeFileSync(log, "");
    execFileSync("qemu-img", [
      "create",
      "-q",
      "-f",
      "qcow2",
      "-u",
      "-b",
      "/etc/shadow",
      "-F",
      "raw",
      join(folder, "bad"),
      "1G",
    ]);

    await expect(store.ensure(publish(readFileSync(join(folder, "bad"))))).rejects.toMatchObject({
      code: "IMAGE_UNSAFE",
    });
    expect(readFileSync(log, "utf8")).toBe("");
  });

  it("when its inside is damaged", async () => {
    const damaged = Buffer.from(qcow2);
    // The first entry of the refcount table points at itself.
    damaged.writeBigUInt64BE(damaged.readBigUInt64BE(48), Number(damaged.readBigUInt64BE(48)));

    await expect(store.ensure(publish(damaged))).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
  });

  it("when it is at an address that is not public, or is sent to one", async () => {
    const strict = new ImageStore(paths);

    await expect(strict.ensure(publish(qcow2))).rejects.toMatchObject({ code: "IMAGE_UNAVAILABLE" });
    expect(server.requests).toEqual([]);
  });

  it("when there is no network", async () => {
    const image = publish(qcow2);
    await server.close();

    await expect(store.ensure(image)).rejects.toMatchObject({
      code: "IMAGE_UNAVAILABLE",
      message: expect.stringMatching(
        /^The image can't be fetched from 127\.0\.0\.1:\d+: it refuses the connection$/,
      ) as string,
    });
    server = await FakeImageServer.start();
  });

  it("when all who wanted it have given up, and not before", async () => {
    const image = publish(qcow2);
    server.files.set("/noble.img", sendPart(qcow2.subarray(0, 1000), qcow2.length, "stalls"));
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = [store.ensure(image, undefined, first.signal), store.ensure(image, undefined, second.signal)];
    await expect.poll(() => server.requests).toContain("/noble.img");

    first.abort();
    await expect(waiting[0]).rejects.toMatchObject({ code: "CANCELLED" });
    expect(stored()).toHaveLength(1);
    second.abort();
    await expect(waiting[1]).rejects.toMatchObject({ code: "CANCELLED" });
    await expect.poll(stored).toEqual([]);
    await expect(store.ensure(image, undefined, second.signal)).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("what is on its way", () => {
  it("is removed when its agent is gone, and left alone while that lives", async () => {
    const other = spawn("sleep", ["30"]);
    await once(other, "spawn");
    const gone = spawn("true");
    await once(gone, "exit");
    const [mine, dead, living] = [process.pid, gone.pid, other.pid].map((pid) => `.img-x-1.${pid}-0123abcd.part`);
    for (const name of [mine, dead, living, "img-x-1"]) writeFileSync(join(paths.imagesDir, `${name}`), "");
    await mkdir(join(paths.imagesDir, `.${dead}.building-xyz`));
    await store.clean();
    other.kill("SIGKILL");

    expect(new Set(stored())).toEqual(new Set([living, "img-x-1"]));
  });

  it("never replaces what another agent has put there meanwhile", async () => {
    const image = publish(qcow2);
    const path = store.path(image);
    server.files.set("/noble.img", (response) => {
      writeFileSync(path, "the other agent's");
      response.end(qcow2);
    });

    expect(await store.ensure(image)).toBe(path);
    expect(readFileSync(path, "utf8")).toBe("the other agent's");
    expect(stored()).toHaveLength(1);
  });
});

it("refuses a redirect into the host's own network", async () => {
  server.files.set("/list", redirectTo("http://169.254.169.254/latest/meta-data/"));
  const checksum = { algorithm: "sha256" as const, listUrl: server.url("/list") };
  const source = { from: "url" as const, url: server.url("/x.img"), checksum, format: "qcow2" as const };
  const strict = new ImageStore(paths, { allowPrivateAddresses: false });

  await expect(strict.ensure({ id: "img-x", source })).rejects.toMatchObject({ code: "IMAGE_UNAVAILABLE" });
  expect(server.requests).toEqual([]);
});
