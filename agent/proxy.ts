/** The way out: through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, by CONNECT, or straight. */
import type { Agent } from "node:http";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** Undefined: straight. A proxy can't reach this very machine, so loopback never goes through one. */
export function proxyFor(address: URL): Agent | undefined {
  const url = new URL(address);
  url.protocol = url.protocol.replace("ws", "http");
  const host = url.hostname;
  if (host === "localhost" || host === "[::1]" || host.startsWith("127.")) return undefined;
  const proxy = getProxyForUrl(url.href);
  return proxy === "" ? undefined : new HttpsProxyAgent(proxy);
}
