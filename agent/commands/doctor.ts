/** `voidvm-agent doctor`: all that can be wrong with a host, each with its remedy. Ends with 1 where something is ill. */
import { stat } from "node:fs/promises";
import { examineEdge } from "../doctor/edge.ts";
import { type Finding, ill, weak, well } from "../doctor/finding.ts";
import { examineHost } from "../doctor/host.ts";
import { Identity } from "../identity.ts";
import type { HostPaths } from "../paths.ts";
import type { Settings } from "../settings.ts";
import { askRunningAgent } from "../status-socket.ts";

const marks = { well: "ok  ", weak: "weak", ill: "ILL " } as const;

export async function doctor(paths: HostPaths, settings: Settings, json: boolean): Promise<number> {
  const identity = await Identity.load(paths).catch((error: Error) => error);
  const edge = settings.edge ?? (identity instanceof Identity ? identity.edge : null);
  const findings = [
    ...(await examineHost(settings)),
    await examineIdentity(paths, identity),
    ...(edge === null ? [] : await examineEdge(edge)),
    await examineAgent(paths),
  ];
  const isIll = findings.some(({ state }) => state === "ill");
  if (json) console.log(JSON.stringify({ healthy: !isIll, findings }, null, 2));
  else for (const finding of findings) console.log(lineOf(finding));
  return isIll ? 1 : 0;
}

function lineOf(finding: Finding): string {
  const line = `${marks[finding.state]}  ${finding.what.padEnd(9)} ${finding.message}`;
  return finding.state === "well" ? line : `${line}\n      to mend:  ${finding.mend}`;
}

async function examineIdentity(paths: HostPaths, identity: Identity | Error | null): Promise<Finding> {
  const enrolAgain = "enrol with a new token of POST /api/v1/hosts: install.sh -s -- --again TOKEN";
  if (identity === null) return ill("identity", "This host is not enrolled", enrolAgain);
  if (identity instanceof Error)
    return ill("identity", `agent.json or key.json is damaged: ${identity.message}`, enrolAgain);
  const { mode } = await stat(paths.keyFile);
  if ((mode & 0o077) !== 0) {
    return ill(
      "identity",
      "Other users can read the host's key",
      `chmod 600 ${paths.keyFile}, and enrol with a new token`,
    );
  }
  return well("identity", `Enrolled as ${identity.hostId}`);
}

async function examineAgent(paths: HostPaths): Promise<Finding> {
  try {
    const { version, session } = await askRunningAgent(paths, "status");
    if (session !== null) return well("agent", `Version ${version} runs and is connected, session ${session}`);
    const mend =
      "read what it says: journalctl -u voidvm-agent. If the edge does not know the host, enrol it with --again";
    return weak("agent", `Version ${version} runs and is not connected`, mend);
  } catch (error) {
    return ill(
      "agent",
      (error as Error).message,
      "systemctl start voidvm-agent; journalctl -u voidvm-agent says why it ended",
    );
  }
}
