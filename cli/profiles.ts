/**
 * Where one is logged in: profiles in one file that only its user can read.
 *
 * A token goes only to the server that it came from: with another address, by option or environment, a profile's token stays
 * where it is.
 */
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "./exit-codes.ts";
import { t } from "./language.ts";

export interface Profile {
  readonly url: string;
  readonly username: string;
  readonly token: string;
  /** With it `logout` revokes the token. */
  readonly tokenId: string;
}

interface ProfileFile {
  readonly current: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "voidvm");
}

const file = () => join(configFolder(), "profiles.json");

export async function readProfiles(): Promise<ProfileFile> {
  let text: string;
  try {
    text = await readFile(file(), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { current: "default", profiles: {} };
    throw error;
  }
  try {
    return JSON.parse(text) as ProfileFile;
  } catch {
    throw new UserError(
      t(
        `${file()} is not JSON: mend or remove it, then log in again`,
        `${file()} 不是有效的 JSON：请修复或删除后重新登录`,
      ),
    );
  }
}

/** Null removes it. The profile becomes the current one. */
export async function saveProfile(name: string, profile: Profile | null): Promise<void> {
  const { current, profiles } = await readProfiles();
  const others = Object.fromEntries(Object.entries(profiles).filter(([other]) => other !== name));
  const next =
    profile === null ? { current, profiles: others } : { current: name, profiles: { ...others, [name]: profile } };
  await write(next);
}

export async function useProfile(name: string): Promise<void> {
  const { profiles } = await readProfiles();
  if (!Object.hasOwn(profiles, name)) {
    throw new UserError(
      t(
        `There is no profile '${name}': voidvm login --profile ${name}`,
        `没有名为 '${name}' 的配置：voidvm login --profile ${name}`,
      ),
    );
  }
  await write({ current: name, profiles });
}

async function write(content: ProfileFile): Promise<void> {
  await mkdir(dirname(file()), { recursive: true, mode: 0o700 });
  const beside = `${file()}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await chmod(beside, 0o600);
  await rename(beside, file());
}

/** `http://host:3000` and `http://host:3000/api/v1` are the same server. */
export function apiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    const hint = URL.canParse(`http://${text}`) && !text.includes("://") ? `: http://${text}?` : "";
    throw new UserError(t(`Not an address of a server: '${text}'${hint}`, `不是有效的服务器地址：'${text}'${hint}`));
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? "/api/v1" : path}`;
}
