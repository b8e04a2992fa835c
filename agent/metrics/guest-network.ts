/** What the guest's cards have carried, as its agent tells. A guest without one is asked again only now and then. */
import * as z from "zod";
import { askGuestAgent } from "../qemu/guest-agent.ts";
import type { NetworkBytes } from "./proc.ts";

const answerMs = 900;
const retryMs = 10_000;

const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** The guest can write here what it likes. */
const Interfaces = z
  .array(
    z.object({
      name: z.string(),
      statistics: z.object({ "rx-bytes": count, "tx-bytes": count }).optional(),
    }),
  )
  .max(256);

export class GuestNetwork {
  readonly #socket: string;
  #askAgainAt = 0;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Null where nobody answers. */
  async read(): Promise<NetworkBytes | null> {
    if (performance.now() < this.#askAgainAt) return null;
    try {
      return sum(Interfaces.parse(await askGuestAgent(this.#socket, "guest-network-get-interfaces", answerMs)));
    } catch {
      this.#askAgainAt = performance.now() + retryMs;
      return null;
    }
  }
}

function sum(interfaces: z.infer<typeof Interfaces>): NetworkBytes {
  let [rx, tx] = [0, 0];
  for (const { name, statistics } of interfaces) {
    if (name === "lo" || !statistics) continue;
    rx += statistics["rx-bytes"];
    tx += statistics["tx-bytes"];
  }
  return { rx, tx };
}
