/**
 * The NoCloud seed: a small ISO from which a guest takes its host name, user and keys at first boot.
 *
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CloudInit } from "../protocol/vm.ts";
import { toHostError } from "./errors.ts";
import { run } from "./run.ts";

export interface Seed {
  readonly path: string;
  /** The guest applies a seed once per id. */
  readonly vmId: string;
  readonly hostname: string;
  readonly cloudInit: CloudInit | null;
}

/** May hold a password: 0600, and no argument of a program says it. Made beside and renamed. Errors: NO_SPACE, HOST_ERROR. */
export async function writeSeed({ path, vmId, hostname, cloudInit }: Seed): Promise<void> {
  const work = `${path}.new`;
  const settings = { ...cloudInit, hostname: cloudInit?.hostname ?? hostname };
  try {
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { mode: 0o700 });
    await Promise.all([
      writeFile(join(work, "meta-data"), metaData(vmId, settings.hostname), { mode: 0o600 }),
      writeFile(join(work, "user-data"), userData(settings), { mode: 0o600 }),
    ]);
    const names = ["-volid", "cidata", "-joliet", "-rational-rock", "user-data", "meta-data"];
    await run("genisoimage", ["-quiet", "-output", "seed.iso", ...names], { cwd: work });
    await seal(join(work, "seed.iso"));
    await rename(join(work, "seed.iso"), path);
  } catch (error) {
    throw toHostError(error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** On disk before its name is, so that a loss of power leaves no empty seed. */
async function seal(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

export function metaData(vmId: string, hostname: string): string {
  return `${JSON.stringify({ "instance-id": vmId, "local-hostname": hostname })}\n`;
}

/** JSON is YAML, so no text of the user's can break out of its value. */
export function userData(settings: CloudInit & { readonly hostname: string }): string {
  if (settings.userData !== undefined) return settings.userData;
  const { hostname, user, password, sshKeys } = settings;
  const config = {
    hostname,
    // Debian's sudo complains about a host name that it can't resolve.
    manage_etc_hosts: "localhost",
    // Without a locale that every image has, cloud-init ends in an error on minimal ones.
    locale: "C.UTF-8",
    // The image's own default user by another name: with its shell, groups and right to sudo, whatever the distribution.
    ...(user === undefined ? {} : { user: { name: user } }),
    ...(user === "root" ? { disable_root: false } : {}),
    ...(sshKeys === undefined ? {} : { ssh_authorized_keys: sshKeys }),
    ...(password === undefined ? {} : { password, chpasswd: { expire: false }, ssh_pwauth: true }),
  };
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}
