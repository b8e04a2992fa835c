/** What must be there before anything is started. Each failure is one sentence for the person at the terminal. */
import { setTimeout as sleep } from "node:timers/promises";
import { addressesFor, canListen } from "../edge/addresses.ts";
import { UserError } from "../user-error.ts";

/** A process that was just killed holds its port until the kernel has taken it apart. */
const patienceMs = 1_500;
const pauseMs = 50;

/** Errors: `UserError` where another program holds the port, or the address isn't this machine's. */
export async function checkPort(bind: string | undefined, port: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (const address of await addressesFor(bind)) {
    let code = await canListen(address, port);
    while (code === "EADDRINUSE" && performance.now() < deadline) {
      await sleep(pauseMs);
      code = await canListen(address, port);
    }
    if (code !== null) {
      throw new UserError(refusals[code]?.(address, port) ?? `${address}:${port} can't be opened: ${code}.`);
    }
  }
}

const refusals: Record<string, (address: string, port: number) => string> = {
  EADDRINUSE: (address, port) =>
    `Port ${port} on ${address} is taken by another program: choose a free one, as in PORT=${port + 1} npm start.`,
  EACCES: (_, port) => `Port ${port} is reserved for root: choose one from 1024 up, as in PORT=3000 npm start.`,
  EADDRNOTAVAIL: (address) => `VOIDVM_BIND is ${address}, which is no address of this machine.`,
};
