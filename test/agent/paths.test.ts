import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HostPaths } from "../../agent/paths.ts";

const vmId = "vm-01jd2v3k5m7n9p1q3r5s7t9v1w";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-paths-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("a path", () => {
  it.for(["../../etc", "vm-1", "", `${vmId}/x`, `${vmId}\n`, vmId.toUpperCase(), "__proto__"])(
    "is never made of the id %j",
    (id) => {
      expect(() => new HostPaths("/home/v", "/run/v").vm(id)).toThrow("invalid_format");
    },
  );

  it.for(["../x", "tiny", "img-a/b", "img-", "img-A"])("is never made of the image id %j", (id) => {
    expect(() => new HostPaths("/home/v", "/run/v").image(id, "1")).toThrow("invalid_format");
  });

  it("holds nothing of an image's version but letters and digits", () => {
    expect(new HostPaths("/home/v", "/run/v").image("img-ubuntu24.04", "1-../ab")).toBe(
      "/home/v/images/img-ubuntu24.04-1ab",
    );
  });
});

describe("the runtime folder", () => {
  it("depends on the home alone, and is short enough for sockets", () => {
    const deep = `/srv/${"deep/".repeat(40)}home`;
    const [one, same, other] = [new HostPaths(deep), new HostPaths(deep), new HostPaths("/srv/other")];

    expect(one.runtime).toBe(same.runtime);
    expect(one.runtime).not.toBe(other.runtime);
    expect(Buffer.byteLength(one.vm(vmId).serial)).toBeLessThanOrEqual(107);
  });

  it("is where the environment says", () => {
    vi.stubEnv("VOIDVM_RUN", "/run/other");

    expect(new HostPaths("/home/v").vm(vmId).qmp).toBe(`/run/other/${vmId}/qmp.sock`);
  });

  it("is refused when it is too long or not absolute", () => {
    expect(() => new HostPaths("/home/v", `/run/${"x".repeat(80)}`)).toThrow("set VOIDVM_RUN to a shorter folder");
    expect(() => new HostPaths("/home/v", "run")).toThrow("Not an absolute path");
    expect(() => new HostPaths("home", "/run/v")).toThrow("Not an absolute path");
  });

  it("is made for its owner alone, like the home", () => {
    const paths = new HostPaths(join(folder, "home"), join(folder, "run"));
    paths.prepare();
    paths.prepare();

    for (const dir of [paths.home, paths.runtime, paths.vmsDir, paths.imagesDir]) {
      expect(statSync(dir).mode & 0o777).toBe(0o700);
    }
  });

  it("is refused when others may look into it", () => {
    const runtime = join(folder, "run");
    mkdirSync(runtime);
    chmodSync(runtime, 0o755);

    expect(() => new HostPaths(folder, runtime).prepare()).toThrow("is not a folder of this user alone");
  });

  it("is refused when it is a link, wherever that leads", () => {
    mkdirSync(join(folder, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(folder, "elsewhere"), join(folder, "run"));

    expect(() => new HostPaths(folder, join(folder, "run")).prepare()).toThrow("is not a folder of this user alone");
  });
});
