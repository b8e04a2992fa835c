/**
 * A port of loopback that nobody listens on now, and that no connection gets for its own end before it is used: it lies
 * below those that the kernel gives out.
 */
import { canListen } from "../scripts/edge/addresses.ts";

const [first, last] = [10_000, 32_000] as const;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = first + Math.floor(Math.random() * (last - first));
    const isTaken = (await canListen("0.0.0.0", port)) !== null || (await canListen("::1", port)) === "EADDRINUSE";
    if (!isTaken) return port;
  }
  throw new Error(`No free port was found between ${first} and ${last}`);
}
