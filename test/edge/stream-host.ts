/** The host's end of a stream at the far end of a real socket: it says what a test tells it to, and keeps what it hears. */
import { SELF } from "cloudflare:test";
import { StreamControl, type StreamOrder, streamTicketHeader } from "../../protocol/streams.ts";
import { type FakeAgent, until } from "./agent.ts";

const origin = "http://edge.test";

/** Either end of a stream. */
export class StreamPeer {
  readonly controls: StreamControl[] = [];
  /** Bytes heard so far, as Latin-1. */
  text = "";
  bytes = 0;
  greatestFrame = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.accept();
    socket.addEventListener("message", ({ data }) => {
      this.#hear(data as string | ArrayBuffer);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
  }

  send(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  control(message: StreamControl): void {
    this.send(JSON.stringify(message));
  }

  close(code = 1000): void {
    this.#socket.close(code, "gone");
  }

  async hears(text: string): Promise<void> {
    await until(() => this.text.includes(text), `'${text}' heard after '${this.text.slice(0, 100)}'`);
  }

  async hearsControl<T extends StreamControl["type"]>(type: T, skip = 0): Promise<Extract<StreamControl, { type: T }>> {
    const found = () => this.controls.filter((control) => control.type === type)[skip];
    await until(() => found() !== undefined, `${type} heard`);
    return found() as Extract<StreamControl, { type: T }>;
  }

  async ended(): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== null, "it is closed");
    return this.closed as { code: number; reason: string };
  }

  #hear(data: string | ArrayBuffer): void {
    if (typeof data === "string") return void this.controls.push(StreamControl.parse(JSON.parse(data)));
    this.bytes += data.byteLength;
    this.greatestFrame = Math.max(this.greatestFrame, data.byteLength);
    this.text += new TextDecoder("latin1").decode(data.slice(0, 1000));
  }
}

/** Dials with the ticket of an order; a socket, or the refusal. */
export async function dialStream(agent: FakeAgent, ticket: string): Promise<Response> {
  return SELF.fetch(`${origin}/api/v1/agent/stream`, {
    headers: { Upgrade: "websocket", Authorization: `Bearer ${await agent.token()}`, [streamTicketHeader]: ticket },
  });
}

/** Carries out an order as an agent does, up to `opened`. */
export async function joinStream(agent: FakeAgent, { ticket }: StreamOrder): Promise<StreamPeer> {
  const { webSocket, status } = await dialStream(agent, ticket);
  if (!webSocket) throw new Error(`No socket: ${status}`);
  const peer = new StreamPeer(webSocket);
  peer.control({ type: "opened", writable: true });
  return peer;
}

/** Opens what a ticket's or a tunnel's address gives. */
export function connect(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return SELF.fetch(url.replace("ws://", "http://"), { headers: { Upgrade: "websocket", ...headers } });
}
