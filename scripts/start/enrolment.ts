/** Enrols this machine as a host, by the same calls as any other: as the administrator, with a token of a minute. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadWorkerFunctions } from "../build.ts";
import type { Admin } from "../edge/admin.ts";
import { readSecrets } from "../edge/secrets.ts";

export interface EnrolmentOptions {
  readonly home: string;
  /** Of the edge, without a path. */
  readonly origin: string;
  readonly admin: Admin | null;
}

interface Answer {
  readonly data?: { readonly enrolment?: { readonly token: string } };
  readonly error?: { readonly message: string; readonly details?: string };
}

/** The id that an earlier enrolment gave to this machine's agent. */
export async function readHostId(agentHome: string): Promise<string | null> {
  try {
    const file = JSON.parse(await readFile(join(agentHome, "agent.json"), "utf8")) as { hostId?: string };
    return file.hostId ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Whether the edge says that it has no such host: its state was lost, or the host was deleted. */
export async function hostIsUnknown(hostId: string, options: EnrolmentOptions): Promise<boolean> {
  if (!options.admin) return false;
  const response = await callAs(options.admin, options, "GET", `/hosts/${hostId}`).catch(() => null);
  return response?.status === 404;
}

/** Errors: `Error` with what the edge said, or that it is away. */
export async function enrolmentToken(options: EnrolmentOptions): Promise<string> {
  const { admin } = options;
  if (!admin)
    throw new Error("there is no administrator to enrol this machine: do it with a token of POST /api/v1/hosts");

  // The name is taken where the agent's folder was lost: its old host stays as it is, with its machines.
  const name = saneName(hostname());
  for (let suffix = 1; ; suffix++) {
    const body = { name: suffix === 1 ? name : `${name}-${suffix}` };
    const response = await callAs(admin, options, "POST", "/hosts", body);
    const answer = (await response.json()) as Answer;
    if (answer.data?.enrolment) return answer.data.enrolment.token;
    if (response.status !== 409 || suffix === 50) {
      throw new Error(`the edge refused it: ${answer.error?.message} (${answer.error?.details ?? response.status})`);
    }
  }
}

async function callAs(
  admin: Admin,
  { home, origin }: EnrolmentOptions,
  method: string,
  path: string,
  body?: object,
): Promise<Response> {
  const { VOIDVM_JWT_KEYS: keys } = await readSecrets(home);
  const { signAccessToken } = await loadWorkerFunctions();
  const token = await signAccessToken(keys, { sub: admin.id }, 60);
  try {
    return await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Accept-Language": "en" },
      signal: AbortSignal.timeout(15_000),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (error) {
    throw new Error(`the edge does not answer on ${origin}`, { cause: error });
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
