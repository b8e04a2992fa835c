/** A process of its own: what lies behind the ports of the machine that is measured, each a unix socket. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";

/** By the port that a tunnel asks for. */
export const ports = { echo: 1, source: 2 } as const;

export function socketOf(folder: string, port: number): string {
  return join(folder, `port-${port}.sock`);
}

const block = Buffer.alloc(65_536, "x");

/** Sends what it is told to in the first line, in bytes, as fast as it is taken, and ends. */
function serveSource(socket: Socket): void {
  socket.once("data", (line) => {
    let left = Number(line.toString());
    const send = () => {
      while (left > 0) {
        const part = left >= block.length ? block : block.subarray(0, left);
        left -= part.length;
        if (!socket.write(part)) return void socket.once("drain", send);
      }
      socket.end();
    };
    send();
  });
}

const [, script, folder] = process.argv;
if (script === import.meta.filename && folder !== undefined) {
  for (const [port, serve] of [
    [ports.echo, (socket: Socket) => void socket.pipe(socket)],
    [ports.source, serveSource],
  ] as const) {
    createServer((socket) => {
      socket.on("error", () => {});
      serve(socket);
    }).listen(socketOf(folder, port));
  }
  process.send?.("ready");
  process.once("disconnect", () => process.exit(0));
}
