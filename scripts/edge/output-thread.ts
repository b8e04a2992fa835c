/** The thread of `output.ts`: passes each line of the FIFO on. */
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { parentPort, workerData } from "node:worker_threads";

// Open for writing too, so that opening doesn't wait for workerd, and there is no end when it is started again.
const fd = openSync(workerData as string, constants.O_RDWR | constants.O_NONBLOCK);
const input = new Socket({ fd, readable: true, writable: false });
createInterface({ input }).on("line", (line) => parentPort?.postMessage(line));
