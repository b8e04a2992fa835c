/** What the doctor finds on the way to the edge, one stage after the other: the first that fails is what is to mend. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Finding, ill, weak, well } from "./finding.ts";

const timeoutMs = 10_000;
/** Beyond it the edge refuses the agent's token at first, and the agent has to learn the edge's clock. */
const clockToleranceMs = 30_000;

export async function examineEdge(edge: string): Promise<Finding[]> {
  const { protocol, hostname, port } = new URL(edge);
  const isTls = protocol === "https:";
  const at = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (isTls ? 443 : 80)) };
  const proxy = proxyFor(isTls);

  // Behind a proxy only the last stage is this host's own.
  if (proxy === null) {
    const obstacle = (await dnsObstacle(at.host)) ?? (await tcpObstacle(at)) ?? (isTls ? await tlsObstacle(at) : null);
    if (obstacle) return [obstacle];
  }
  const sent = Date.now();
  try {
    const response = await fetch(`${edge}/api/v1/health`, { signal: AbortSignal.timeout(timeoutMs) });
    const { timestamp } = (await response.json().catch(() => ({}))) as { timestamp?: string };
    const way = proxy === null ? "" : ` through ${proxy}`;
    if (!response.ok) {
      return [
        ill(
          "edge",
          `${edge} answers ${response.status}${way}`,
          "look at the edge's own logs, and whether the address is its",
        ),
      ];
    }
    const message = `${edge} answers${way} after ${Date.now() - sent} ms`;
    return [well("edge", message), examineClock(timestamp)];
  } catch (error) {
    const { cause, message } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    const mend = proxy === null ? "let this host connect to it" : "look at the proxy in /etc/voidvm/agent.env";
    return [ill("edge", `${edge} does not answer: ${why}`, mend)];
  }
}

function proxyFor(isTls: boolean): string | null {
  const { env } = process;
  const proxy = isTls ? (env["HTTPS_PROXY"] ?? env["https_proxy"]) : (env["HTTP_PROXY"] ?? env["http_proxy"]);
  return proxy || null;
}

async function dnsObstacle(host: string): Promise<Finding | null> {
  try {
    await lookup(host);
    return null;
  } catch (error) {
    return ill(
      "edge",
      `The name ${host} is not found: ${(error as Error).message}`,
      "mend /etc/resolv.conf or the name's DNS entry",
    );
  }
}

function tcpObstacle(at: { host: string; port: number }): Promise<Finding | null> {
  const mend = `let this host connect to ${at.host}:${at.port}, or set HTTPS_PROXY in /etc/voidvm/agent.env`;
  return connectObstacle(
    () => connect({ ...at, timeout: timeoutMs }),
    "connect",
    `No connection to ${at.host}:${at.port}`,
    mend,
  );
}

function tlsObstacle(at: { host: string; port: number }): Promise<Finding | null> {
  const mend =
    "mend the edge's certificate; for an authority of your own set NODE_EXTRA_CA_CERTS in /etc/voidvm/agent.env";
  const dial = () => connectTls({ ...at, servername: at.host, timeout: timeoutMs });
  return connectObstacle(dial, "secureConnect", `TLS with ${at.host} fails`, mend);
}

async function connectObstacle(
  dial: () => ReturnType<typeof connect>,
  event: string,
  what: string,
  mend: string,
): Promise<Finding | null> {
  const socket = dial();
  socket.on("timeout", () => socket.destroy(new Error(`nothing was heard for ${timeoutMs / 1000} s`)));
  try {
    await once(socket, event);
    return null;
  } catch (error) {
    return ill("edge", `${what}: ${(error as Error).message || (error as NodeJS.ErrnoException).code}`, mend);
  } finally {
    socket.destroy();
  }
}

function examineClock(timestamp: string | undefined): Finding {
  const offsetMs = Date.parse(timestamp ?? "") - Date.now();
  if (Number.isNaN(offsetMs))
    return weak("clock", "The edge does not say what time it is", "look at what stands between");
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  if (Math.abs(offsetMs) < clockToleranceMs) return well("clock", `Within ${seconds + 1} s of the edge's`);
  const way = offsetMs > 0 ? "behind" : "ahead of";
  return weak(
    "clock",
    `${seconds} s ${way} the edge's; the agent allows for it`,
    "set the clock, as with systemd-timesyncd or chrony",
  );
}
