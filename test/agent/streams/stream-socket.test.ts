/** The host's end of a stream against an edge at the far end of a real socket, joined to a real TCP connection. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { generateKeyPair } from "jose";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Identity } from "../../../agent/identity.ts";
import { dialStream } from "../../../agent/streams/dial.ts";
import type { StreamSocket } from "../../../agent/streams/stream-socket.ts";
import { streamLimits } from "../../../protocol/streams.ts";
import { FakeEdge } from "../../fakes/edge.ts";
import type { WsPeer } from "../../fakes/ws-peer.ts";

const { windowBytes, unawareBytes, maxFrameBytes } = streamLimits;

let edge: FakeEdge;
let server: Server;
/** The target's side of the connection. */
let target: Socket;
let peer: WsPeer;
let stream: StreamSocket;
beforeEach(async () => {
  edge = await FakeEdge.start();
  server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const identity = new Identity({ hostId: `host-${"0".repeat(26)}`, edge: edge.url }, privateKey);
  edge.firstBytes = "first ";
  stream = await dialStream(identity, "ticket");
  peer = await edge.stream("ticket");
});
afterEach(async () => {
  target?.destroy();
  await edge.stop();
  server.close();
});

async function join(writable = true): Promise<void> {
  const accepted = once(server, "connection");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  [target] = (await accepted) as [Socket];
  stream.join({ stream: socket, writable });
}

it("says that the target is reached, and carries bytes both ways", async () => {
  await join();
  expect(await peer.hearsControl("opened")).toEqual({ type: "opened", writable: true });
  target.write("hello");
  await peer.hears("hello");
  peer.send("and back");
  const heard: Buffer[] = [];
  target.on("data", (data) => heard.push(data));
  await expect.poll(() => Buffer.concat(heard).toString()).toBe("first and back");
});

it("hands on what came with the upgrade, and before the target was reached", async () => {
  peer.send("early ");
  peer.send("bird");
  peer.control({ type: "end" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await join();
  const heard: Buffer[] = [];
  target.on("data", (data) => heard.push(data));
  await once(target, "end");
  expect(Buffer.concat(heard).toString()).toBe("first early bird");
});

it("closes each direction by itself, and the socket after both", async () => {
  await join();
  peer.send("question");
  peer.control({ type: "end" });
  let question = "";
  for await (const data of target) question += String(data);
  expect(question).toBe("first question");
  target.end("answer");
  await peer.hears("answer");
  expect(await peer.ended()).toMatchObject({ code: 1000 });
  expect(peer.controls.map(({ type }) => type)).toEqual(["opened", "end", "closed"]);
});

it("reads the target no further than it was granted, and goes on when it is", async () => {
  await join();
  const all = Buffer.alloc(2_000_000, "x");
  target.end(all);
  await peer.hearsBytes(windowBytes);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(peer.bytes).toBe(windowBytes);
  expect(peer.greatestFrame).toBeLessThanOrEqual(maxFrameBytes);
  peer.control({ type: "credit", bytes: all.length - windowBytes });
  await peer.hearsBytes(all.length);
  expect(peer.digest()).toBe(createHash("sha256").update(all).digest("hex"));
});

it("grants as the target takes, and ends with a client that is too far ahead of it", async () => {
  await join();
  target.pause();
  for (let sent = 0; sent < 24; sent++) peer.send(Buffer.alloc(maxFrameBytes));
  await new Promise((resolve) => setTimeout(resolve, 200));
  target.resume();
  await peer.hearsControl("credit");
  target.pause();
  for (let sent = 0; sent < 2 * (windowBytes + unawareBytes); sent += maxFrameBytes)
    peer.send(Buffer.alloc(maxFrameBytes));
  expect((await peer.ended()).code).toBe(4400);
});
