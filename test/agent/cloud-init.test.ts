import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { userData, writeSeed } from "../../agent/cloud-init.ts";
import type { CloudInit } from "../../protocol/vm.ts";

const vmId = "vm-01jd2v3k5m7n9p1q3r5s7t9v1w";
const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ me@here";
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-seed-"));
  path = join(folder, "seed.iso");
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function readSeed(file: string): string {
  return execFileSync("isoinfo", ["-i", path, "-R", "-x", `/${file}`]).toString();
}

/** The document without its first line, which cloud-init wants. JSON is YAML. */
function configOf(cloudInit: CloudInit, hostname = "web"): unknown {
  const [first, ...rest] = userData({ hostname, ...cloudInit } as CloudInit & { hostname: string }).split("\n");
  expect(first).toBe("#cloud-config");
  return JSON.parse(rest.join("\n"));
}

describe("a seed", () => {
  it("is an ISO named cidata with what cloud-init looks for", async () => {
    await writeSeed({ path, vmId, hostname: "web", cloudInit: { sshKeys: [sshKey] } });

    expect(execFileSync("isoinfo", ["-i", path, "-d"]).toString()).toMatch(/^Volume id: cidata$/m);
    expect(JSON.parse(readSeed("meta-data"))).toEqual({ "instance-id": vmId, "local-hostname": "web" });
    expect(readSeed("user-data")).toMatch(/^#cloud-config\n/);
    expect(readSeed("user-data")).toContain(sshKey);
  });

  it("is for its owner alone, and nothing lies beside it", async () => {
    await writeSeed({ path, vmId, hostname: "web", cloudInit: { password: "secret" } });

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["seed.iso"]);
  });

  it("names the host as the settings do, where they do", async () => {
    await writeSeed({ path, vmId, hostname: "web", cloudInit: { hostname: "db" } });

    expect(readSeed("meta-data")).toContain('"db"');
    expect(readSeed("user-data")).toContain('"hostname": "db"');
  });

  it("replaces one that was cut in the middle", async () => {
    writeFileSync(path, "half");
    writeFileSync(`${path}.new`, "left by an agent that was killed");
    await writeSeed({ path, vmId, hostname: "web", cloudInit: null });

    expect(readSeed("meta-data")).toContain(vmId);
    expect(readdirSync(folder)).toEqual(["seed.iso"]);
  });

  it("that can't be made leaves nothing", async () => {
    vi.stubEnv("PATH", "/nowhere");
    await expect(writeSeed({ path, vmId, hostname: "web", cloudInit: null })).rejects.toThrow("(Debian: genisoimage)");

    expect(readdirSync(folder)).toEqual([]);
  });

  it("says no secret to a program by its arguments", async () => {
    const log = join(folder, "..", `${vmId}-spawns`);
    vi.stubEnv("VOIDVM_SPAWN_LOG", log);
    await writeSeed({ path, vmId, hostname: "web", cloudInit: { password: "s3cret" } });

    expect(readFileSync(log, "utf8")).toBe("genisoimage -\n");
    rmSync(log);
  });
});

describe("the settings", () => {
  it("name the host and a locale that every image has", () => {
    expect(configOf({})).toEqual({ hostname: "web", manage_etc_hosts: "localhost", locale: "C.UTF-8" });
  });

  it("let in who has a key or knows the password", () => {
    expect(configOf({ user: "ann", password: "pass word", sshKeys: [sshKey] })).toMatchObject({
      user: { name: "ann" },
      ssh_authorized_keys: [sshKey],
      password: "pass word",
      chpasswd: { expire: false },
      ssh_pwauth: true,
    });
  });

  it("leave passwords off where none is set", () => {
    expect(configOf({ sshKeys: [sshKey] })).not.toHaveProperty("ssh_pwauth");
  });

  it("let root in where root is asked for", () => {
    expect(configOf({ user: "root", sshKeys: [sshKey] })).toMatchObject({
      user: { name: "root" },
      disable_root: false,
    });
  });

  it("keep every text in its place", () => {
    const password = `"}\\", runcmd: [reboot]: {{ x }} # & * ! | > ' %`;

    expect(configOf({ password })).toMatchObject({ password });
    expect(configOf({ password })).not.toHaveProperty("runcmd");
  });

  it("are the user's own document where one is given", () => {
    expect(userData({ hostname: "web", password: "x", userData: "#!/bin/sh\necho hi\n" })).toBe("#!/bin/sh\necho hi\n");
  });
});
