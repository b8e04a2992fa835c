/** The far end of a monitor, on a real unix socket: greets, and answers as the test tells it to. */
import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";

export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly id: number;
}

/** An object is sent as it is, with the command's id; null sends nothing; "close" breaks the connection. */
export type QmpAnswer = object | null | "close";

const greeting = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: [] } };

export class FakeQmpServer {
  readonly path: string;
  readonly commands: QmpCommand[] = [];
  answer: (command: QmpCommand) => QmpAnswer = () => ({ return: {} });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, greets: boolean) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      let text = "";
      socket.on("data", (chunk) => {
        const lines = (text + chunk.toString()).split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) this.#take(socket, JSON.parse(line) as QmpCommand);
      });
      if (greets) socket.write(`${JSON.stringify(greeting)}\r\n`);
    });
  }

  static async listen(path: string, { greets = true } = {}): Promise<FakeQmpServer> {
    const server = new FakeQmpServer(path, greets);
    await new Promise<void>((resolve) => server.#server.listen(path, resolve));
    return server;
  }

  get clients(): number {
    return this.#sockets.size;
  }

  /** To every client, whatever it is. */
  send(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.path, { force: true });
  }

  #take(socket: Socket, command: QmpCommand): void {
    this.commands.push(command);
    const answer = command.execute === "qmp_capabilities" ? { return: {} } : this.answer(command);
    if (answer === "close") socket.destroy();
    else if (answer !== null) socket.write(`${JSON.stringify({ ...answer, id: command.id })}\r\n`);
  }
}
