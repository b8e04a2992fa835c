/** The SDK's WebSockets against a real one whose far end does what the test says: credit, reconnections, ends. */
import { once } from "node:events";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { afterEach, describe, expect, it } from "vitest";
import { type StreamControl, streamLimits } from "../../protocol/streams.ts";
import { VoidVMClient, VoidVMError } from "../../sdk/typescript/src/index.ts";
import { ApiServer } from "../fakes/api-server.ts";

const { windowBytes, tunnelWindowBytes, maxFrameBytes } = streamLimits;

let server: ApiServer;
let sockets: WebSocketServer;
afterEach(async () => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  await server.stop();
});

/** `accept` plays the far end of the nth socket. */
async function start(accept: (socket: ServerSocket, n: number) => void): Promise<VoidVMClient> {
  server = await ApiServer.start(({ url }) => {
    if (url.includes("/auth/")) {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      return {
        data: {
          token: `t-${server.asked.length}`,
          refreshToken: "r",
          expiresAt,
          refreshExpiresAt: expiresAt,
          user: {},
        },
      };
    }
    return { data: { url: `${server.url.replace("http", "ws").replace("/api/v1", "")}/stream`, expiresAt: "" } };
  });
  sockets = new WebSocketServer({ server: server.server, handleProtocols: (offered) => [...offered][0] ?? false });
  let n = 0;
  sockets.on("connection", (socket) => accept(socket, n++));
  return new VoidVMClient({ baseURL: server.url, username: "a", password: "b" });
}

describe("a stream of bytes", () => {
  const say = (socket: ServerSocket, message: StreamControl) => socket.send(JSON.stringify(message));
  const controls = (socket: ServerSocket, take: (message: StreamControl) => void) =>
    socket.on("message", (data: Buffer, isBinary) => !isBinary && take(JSON.parse(data.toString()) as StreamControl));
  const until = async (check: () => boolean) => {
    while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it("speaks the credit protocol, and is open once the far end is reached", async () => {
    const client = await start((socket) => say(socket, { type: "opened", writable: false }));
    const stream = await client.vms.serial("a");
    expect(stream.isWriter).toBe(false);
    expect([...sockets.clients][0]?.protocol).toBe("voidvm.credit.v1");
    stream.close();
    expect(await stream.closed).toBeNull();
  });

  it("a far end that can't be reached is the error that it names", async () => {
    const client = await start((socket) => {
      say(socket, { type: "closed", code: "PORT_CLOSED", message: "nothing listens" });
      socket.close();
    });
    await expect(client.vms.tunnel("a", 80)).rejects.toMatchObject({
      code: "PORT_CLOSED",
      message: "nothing listens",
      retryable: true,
    });
  });

  it.each([
    ["console", windowBytes],
    ["tunnel", tunnelWindowBytes],
  ] as const)(
    "a reader of a %s that stops is granted nothing more, and a window is all that it may be sent",
    async (kind, window) => {
      let granted = windowBytes;
      let sent = 0;
      const client = await start((socket) => {
        say(socket, { type: "opened", writable: true });
        const send = () => {
          while (granted - sent >= maxFrameBytes) {
            socket.send(new Uint8Array(maxFrameBytes));
            sent += maxFrameBytes;
          }
        };
        controls(socket, (message) => {
          if (message.type === "credit") granted += message.bytes;
          send();
        });
        send();
      });
      const stream = await (kind === "console" ? client.vms.console("a") : client.vms.tunnel("a", 80));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([sent, granted]).toEqual([window, window]);
      const reader = stream.readable.getReader();
      let read = 0;
      while (read < 20 * window) read += (await reader.read()).value?.length ?? 0;
      expect(sent - read).toBeLessThanOrEqual(window);
      stream.close();
    },
  );

  it("a writer sends as much as it was granted, in frames that the protocol allows", async () => {
    const frames: number[] = [];
    let far: ServerSocket | undefined;
    const client = await start((socket) => {
      far = socket;
      say(socket, { type: "opened", writable: true });
      socket.on("message", (data: Buffer, isBinary) => isBinary && frames.push(data.length));
    });
    const stream = await client.vms.tunnel("a", 80);
    const total = () => frames.reduce((sum, bytes) => sum + bytes, 0);
    const writing = stream.writable.getWriter().write(new Uint8Array(windowBytes + 1000));
    await until(() => total() === windowBytes);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([total(), Math.max(...frames)]).toEqual([windowBytes, maxFrameBytes]);
    say(far as ServerSocket, { type: "credit", bytes: 5000 });
    await writing;
    await until(() => total() === windowBytes + 1000);
    stream.close();
  });

  it("each direction ends by itself", async () => {
    const heard: string[] = [];
    const client = await start((socket) => {
      say(socket, { type: "opened", writable: true });
      controls(socket, ({ type }) => {
        heard.push(type);
        if (type !== "end") return;
        socket.send(Buffer.from("answer"));
        say(socket, { type: "end" });
        say(socket, { type: "closed", code: null, message: null });
        socket.close();
      });
    });
    const stream = await client.vms.tunnel("a", 80);
    await stream.writable.close();
    let text = "";
    for await (const chunk of stream.readable) text += new TextDecoder().decode(chunk);
    expect([text, heard, await stream.closed]).toEqual(["answer", ["credit", "end"], null]);
  });

  it("a connection that breaks fails the reader, the writer and `closed` with the same", async () => {
    const client = await start((socket) => {
      say(socket, { type: "opened", writable: true });
      setTimeout(() => socket.terminate(), 20);
    });
    const stream = await client.vms.tunnel("a", 80);
    const error = await stream.closed;
    expect(error).toMatchObject({ code: "SOCKET_CLOSED", retryable: true });
    await expect(stream.readable.getReader().read()).rejects.toBe(error);
    await expect(stream.writable.getWriter().write(new Uint8Array(1))).rejects.toBe(error);
  });

  it("tells of gaps and of who writes, takes over, and ends with its signal", async () => {
    const told: unknown[] = [];
    const client = await start((socket) => {
      say(socket, { type: "opened", writable: false });
      controls(socket, ({ type }) => {
        if (type === "take-over") say(socket, { type: "writer", writable: true });
        say(socket, { type: "gap", bytes: 12 });
      });
    });
    const abort = new AbortController();
    const stream = await client.vms.serial("a", {
      ...{ takeOver: true, signal: abort.signal },
      onWriter: (writable) => told.push(writable),
      onGap: (bytes) => told.push(bytes),
    });
    await until(() => told.length === 2);
    expect([told, stream.isWriter]).toEqual([[true, 12], true]);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(stream.readable.getReader().read()).rejects.toBe(reason);
  });
});

describe("a subscription", () => {
  const send = (socket: ServerSocket, type: string, data: unknown) =>
    socket.send(JSON.stringify({ type, data, timestamp: "" }));
  const event = (socket: ServerSocket, seq: number) => send(socket, "system-event", { seq, event: "vm-created" });
  /** What the client says, with the right answers. */
  function play(
    socket: ServerSocket,
    subscribed: (data: { topic: string; after?: number }) => void,
    heard: unknown[] = [],
  ) {
    socket.on("message", (text: Buffer) => {
      const message = JSON.parse(text.toString()) as { type: string; data: { topic: string; after?: number } };
      heard.push(message);
      if (message.type === "auth") send(socket, "auth", { status: "success" });
      if (message.type !== "subscribe") return;
      send(socket, "subscribe", { status: "success", topic: message.data.topic, seq: 41 });
      subscribed(message.data);
    });
  }

  it("goes on behind the last event when the connection breaks, and says so", async () => {
    const afters: unknown[] = [];
    const client = await start((socket, n) =>
      play(socket, ({ after }) => {
        afters.push(after);
        event(socket, n * 2 + 1);
        event(socket, n * 2 + 2);
        if (n === 0) setTimeout(() => socket.close(1012, "restarting"), 20);
      }),
    );
    const lost: string[] = [];
    const seen: number[] = [];
    for await (const { seq } of client.events({ after: 0, onReconnect: ({ code }) => lost.push(code) })) {
      seen.push(seq);
      if (seen.length === 4) break;
    }
    expect([seen, afters, lost]).toEqual([[1, 2, 3, 4], [0, 2], ["SOCKET_CLOSED"]]);
    await once(sockets.clients.values().next().value as ServerSocket, "close");
  });

  it("goes on behind where it stood when nothing had happened before the connection broke", async () => {
    const afters: unknown[] = [];
    const client = await start((socket, n) =>
      play(socket, ({ after }) => {
        afters.push(after);
        if (n === 0) socket.close(1012, "restarting");
        else event(socket, 42);
      }),
    );
    for await (const { seq } of client.events()) {
      expect(seq).toBe(42);
      break;
    }
    expect(afters).toEqual([undefined, 41]);
  });

  it("answers the edge's ping once its reader has come there, and not before", async () => {
    const heard: { type: string; id?: string }[] = [];
    const client = await start((socket) =>
      play(
        socket,
        () => {
          event(socket, 1);
          socket.send(JSON.stringify({ type: "ping", data: {}, id: "p-1" }));
          event(socket, 2);
        },
        heard,
      ),
    );
    const events = client.events({ after: 0 });
    await events.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard.map(({ type }) => type)).toEqual(["auth", "subscribe"]);
    expect((await events.next()).value?.seq).toBe(2);
    await events.return();
    await once(sockets.clients.values().next().value as ServerSocket, "close");
    expect(heard.at(-1)).toEqual({ type: "pong", id: "p-1" });
  });

  it("a session that ended is renewed for the next connection", async () => {
    const tokens: unknown[] = [];
    const client = await start((socket, n) => {
      if (n > 0) return play(socket, () => send(socket, "vm-status", { vmId: "vm-1", status: "running" }), tokens);
      return socket.on("message", () => socket.close(4401, "expired"));
    });
    for await (const { status } of client.vms.watch("a")) {
      expect(status).toBe("running");
      break;
    }
    expect(server.asked.map(({ url }) => url)).toEqual(["/api/v1/auth/login", "/api/v1/auth/refresh"]);
  });

  it("what the server refuses is the iterator's error, and is not tried again", async () => {
    let connections = 0;
    const client = await start((socket) => {
      connections++;
      play(socket, () => send(socket, "error", { code: "VM_NOT_FOUND", message: "none", details: "no 'a'" }));
    });
    const error = await client.vms
      .watch("a")
      .next()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(VoidVMError);
    expect(error).toMatchObject({ code: "VM_NOT_FOUND", details: "no 'a'" });
    await client.vms
      .watch("b")
      .next()
      .catch(() => {});
    expect(connections).toBe(2);
  });

  it("a signal ends it with its reason", async () => {
    const client = await start((socket) => play(socket, () => {}));
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("enough")), 50);
    await expect(client.events({ signal: abort.signal }).next()).rejects.toThrow("enough");
  });
});
