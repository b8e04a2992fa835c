/**
 * The NoCloud seed: a small ISO from which a guest takes its host name, user and keys at first boot.
 *
 * https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CloudInit } from "../protocol/vm.ts";
import { run } from "./run.ts";

export interface Seed {
  readonly vmId: string;
  readonly path: string;
  readonly hostname: string;
  readonly cloudInit: CloudInit | null;
}

/** May hold a password: 0600, and made beside and renamed. */
export async function writeSeed({ vmId, path, hostname, cloudInit }: Seed): Promise<void> {
  const work = await mkdtemp(join(dirname(path), "seed-"));
  try {
    const metaData = { "instance-id": vmId, "local-hostname": hostname };
    await writeFile(join(work, "meta-data"), JSON.stringify(metaData), { mode: 0o600 });
    await writeFile(join(work, "user-data"), userData(hostname, cloudInit ?? {}), { mode: 0o600 });
    const args = ["-quiet", "-output", "seed.iso", "-volid", "cidata", "-joliet", "-rational-rock", "user-data", "meta-data"];
    await run("genisoimage", args, { cwd: work, vmId });
    await rename(join(work, "seed.iso"), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** JSON is YAML, so no text of the user's can break out of its value. */
export function userData(hostname: string, cloudInit: CloudInit): string {
  if (cloudInit.userData !== undefined) return cloudInit.userData;
  const { user, password, sshKeys } = cloudInit;
  const config = {
    hostname: cloudInit.hostname ?? hostname,
    // Without a locale that every image has, cloud-init ends in an error on minimal ones.
    locale: "C.UTF-8",
    ...(user === undefined ? {} : { users: [account(user, cloudInit)] }),
    ...(user === undefined && sshKeys ? { ssh_authorized_keys: sshKeys } : {}),
    ...(password === undefined ? {} : { ssh_pwauth: true, chpasswd: { expire: false } }),
    ...(password !== undefined && user === undefined ? { password } : {}),
  };
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}

function account(name: string, { password, sshKeys }: CloudInit) {
  return {
    name,
    shell: "/bin/bash",
    sudo: "ALL=(ALL) NOPASSWD:ALL",
    lock_passwd: password === undefined,
    ...(password === undefined ? {} : { plain_text_passwd: password }),
    ...(sshKeys ? { ssh_authorized_keys: sshKeys } : {}),
  };
}
