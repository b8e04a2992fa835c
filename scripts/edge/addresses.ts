/** On which addresses the edge listens. */
import { createServer } from "node:net";

/**
 * `localhost` must work whichever way a client resolves it, and the agent dials 127.0.0.1, so loopback is always among
 * them.
 */
export async function addressesFor(bind: string | undefined): Promise<string[]> {
  const loopback = (await canListen("::1", 0)) === null ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  if (bind === undefined || isLoopback(bind)) return loopback;
  // `::` takes IPv4 in too.
  if (bind === "::") return ["::"];
  if (bind === "0.0.0.0") return ["0.0.0.0", ...loopback.filter((address) => address !== "127.0.0.1")];
  return [bind, ...loopback];
}

export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}

/** The error code, or null where listening works. */
export function canListen(host: string, port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  return promise;
}
