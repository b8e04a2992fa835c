/** A screen and ports of a real guest, through a real edge and a real agent. */
import type { WebSocket } from "ws";
import { afterAll, beforeAll, expect, it } from "vitest";
import { creditProtocol, type StreamControl } from "../../protocol/streams.ts";
import { differing, RfbClient } from "../rfb-client.ts";
import { Cloud, type VmView } from "./cloud.ts";

let cloud: Cloud;
let vm: VmView;
beforeAll(async () => {
  cloud = await Cloud.start();
  vm = await cloud.createTiny("streams", true);
  await cloud.booted(vm.id);
});
afterAll(() => cloud.dispose());

const tunnel = (port: number, protocols?: string[]) => cloud.connect(`/vms/${vm.id}/tunnel?port=${port}`, protocols);

async function viewer(): Promise<RfbClient> {
  const { body } = await cloud.get<{ url: string }>(`/vms/${vm.id}/console/vnc`);
  const socket = await cloud.connect(body.data.url, ["binary"]);
  const client = new RfbClient((bytes) => socket.send(bytes));
  socket.on("message", (data: Buffer) => client.receive(data));
  return client;
}

/** What a socket heard until it was closed, and how. */
async function everything(socket: WebSocket) {
  const heard = { bytes: "", controls: [] as StreamControl[], code: 0, reason: "" };
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) heard.bytes += data.toString("latin1");
    else heard.controls.push(JSON.parse(data.toString("utf8")) as StreamControl);
  });
  return new Promise<typeof heard>((resolve) => {
    socket.once("close", (code, reason) => resolve({ ...heard, code, reason: reason.toString() }));
  });
}

it("a tunnel reaches the guest's SSH server", async () => {
  const socket = await tunnel(22);
  const first = await new Promise<Buffer>((resolve) => socket.once("message", resolve));
  expect(first.toString("latin1")).toMatch(/^SSH-2\.0-dropbear/);
  socket.close();
});

it("a tunnel carries a page, and tells a client that grants credit of each step", async () => {
  const socket = await tunnel(80, [creditProtocol]);
  expect(socket.protocol).toBe(creditProtocol);
  const heard = everything(socket);
  socket.send(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
  socket.send(JSON.stringify({ type: "end" } satisfies StreamControl));
  const { bytes, controls, code } = await heard;
  expect(bytes).toContain("<h1>streams</h1>");
  expect(controls.map(({ type }) => type)).toEqual(["opened", "end", "closed"]);
  expect(code).toBe(1000);
});

it("a port that nobody listens on is told as such", async () => {
  const { code, reason } = await everything(await tunnel(81));
  expect({ code, reason }).toEqual({ code: 4404, reason: "PORT_CLOSED: Nothing listens on port 81 of the guest" });
});

it("two viewers see the same screen, and one's typing changes it for both", async () => {
  const [first, second] = [await viewer(), await viewer()];
  const before = await first.picture();
  expect(first.width).toBeGreaterThan(600);
  expect(new Set(before).size).toBeGreaterThan(1);
  for (const letter of "many letters on one line") first.key(letter.charCodeAt(0));
  await cloud.until("the screen has changed for both", async () => {
    const [one, two] = [await first.picture(), await second.picture()];
    return differing(before, one) > 100 && differing(one, two) < 100;
  });
});
