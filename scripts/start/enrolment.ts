/** Enrols this machine as a host, by the same calls as any other: as the administrator, with a token of a minute. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadWorkerFunctions } from "../build.ts";
import type { Admin } from "../edge/admin.ts";
import { readSecrets } from "../edge/secrets.ts";

export interface EnrolmentOptions {
  readonly home: string;
  readonly agentHome: string;
  /** Of the edge, without a path. */
  readonly origin: string;
  readonly admin: Admin | null;
}

interface Answer {
  readonly data?: { readonly enrolment?: { readonly token: string } };
  readonly error?: { readonly message: string; readonly details?: string };
}

/** A token to enrol with, or null where this machine is a host of that edge already. */
export async function enrolmentToken(options: EnrolmentOptions): Promise<string | null> {
  const { home, agentHome, origin, admin } = options;
  const hostId = await readHostId(agentHome);
  if (!admin) {
    if (hostId) return null;
    throw new Error(
      "there is no administrator who could enrol this machine; do it with a token from POST /api/v1/hosts",
    );
  }
  const { VOIDVM_JWT_KEYS: keys } = await readSecrets(home);
  const { signAccessToken } = await loadWorkerFunctions();
  const token = await signAccessToken(keys, { sub: admin.id }, 60);

  const call = (method: string, path: string, body?: object) =>
    fetch(`${origin}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Accept-Language": "en" },
      signal: AbortSignal.timeout(15_000),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  if (hostId) {
    // An edge that is away for a moment will know the host when it is back.
    const found = await call("GET", `/hosts/${hostId}`).catch(() => null);
    if (found?.status !== 404) return null;
  }

  // The name is taken where the agent's folder was lost: its old host stays as it is, with its machines.
  const name = saneName(hostname());
  for (let suffix = 1; ; suffix++) {
    const response = await call("POST", "/hosts", { name: suffix === 1 ? name : `${name}-${suffix}` });
    const answer = (await response.json()) as Answer;
    if (answer.data?.enrolment) return answer.data.enrolment.token;
    if (response.status !== 409 || suffix === 50) {
      throw new Error(`the edge refused it: ${answer.error?.message} (${answer.error?.details ?? response.status})`);
    }
  }
}

/** Letters, digits and hyphens, as hosts' names are. */
export function saneName(name: string): string {
  const sane = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, 50)
    .replaceAll(/^-+|-+$/g, "");
  return sane === "" ? "host" : sane;
}

async function readHostId(agentHome: string): Promise<string | null> {
  try {
    const file = JSON.parse(await readFile(join(agentHome, "agent.json"), "utf8")) as { hostId?: string };
    return file.hostId ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
