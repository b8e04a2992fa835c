/** Makes this machine a host, once: a host that is enrolled keeps what it is, unless it is told otherwise. */
import { enrol, Identity } from "../identity.ts";
import type { HostPaths } from "../paths.ts";

interface EnrolOptions {
  readonly edge: string;
  readonly token: string;
  readonly again: boolean;
}

/** Returns what was done, as a sentence. Errors: as `enrol`. */
export async function enrolHost(paths: HostPaths, { edge, token, again }: EnrolOptions): Promise<string> {
  paths.prepareHome();
  const present = await Identity.load(paths);
  if (present && !again) {
    return (
      `This host is enrolled already, as ${present.hostId} at ${present.edge}, and stays so; the token was not used. ` +
      "To make it another host, add --again."
    );
  }
  if (token === "") throw new Error("There was no token on standard input: POST /api/v1/hosts makes one");
  const { hostId, edge: origin } = await enrol(paths, edge, token);
  return `Enrolled at ${origin} as ${hostId}`;
}
