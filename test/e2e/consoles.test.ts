/** Screens, terminals and samples of a real guest, as JSON and as bytes, in a program and in a browser's own viewers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilQuiet } from "../quiet.ts";
import { differing, RfbClient } from "../rfb-client.ts";
import { notHere, unless } from "../unless.ts";
import { chromiumPath, ConsolePage } from "./console-page.ts";
import { Cloud, type VmView } from "./cloud.ts";
import { HubSocket } from "./hub-socket.ts";

const password = "se:cret";
const credentials = { username: "demo", password };
let cloud: Cloud;
let vm: VmView;
let socket: HubSocket;

beforeAll(async () => {
  cloud = await Cloud.start();
  const cloudInit = { user: "demo", password, hostname: "guest" };
  const body = { name: "consoles", cpu: 1, memory: 128, disk: 1, os: "tiny", start: true, cloudInit };
  const { body: answer } = await cloud.post<VmView>("/vms", body, { Prefer: "wait=55" });
  vm = answer.data;
  await cloud.until("it is made", async () => (await cloud.vm(vm.id)).operation === null);
  await cloud.booted(vm.id);
  socket = await HubSocket.open(cloud.port, cloud.token);
});
afterAll(() => cloud.dispose());

async function ticketed(console: "vnc" | "serial"): Promise<string> {
  return (await cloud.get<{ url: string }>(`/vms/${vm.id}/console/${console}`)).body.data.url;
}

describe("the serial console", () => {
  it("lets its writer log in and run a command, and hands over to who asks", async () => {
    const first = socket;
    const { data } = await first.ask("terminal-connect", { vmId: vm.id, type: "serial" });
    expect(data).toEqual({ vmId: vm.id, type: "serial", writable: true });
    await first.shows(vm.id, /TINY READY[^]*guest login: /);
    const type = (on: HubSocket, input: string) => on.send("terminal-input", { vmId: vm.id, input });
    type(first, "demo\r");
    await first.shows(vm.id, /Password: /);
    type(first, `${password}\r`);
    await first.shows(vm.id, /demo@guest:~\$ /);
    type(first, "echo $((6 * 7)) é中\r");
    await first.shows(vm.id, /\n42 é中\r\n/);

    const second = await HubSocket.open(cloud.port, cloud.token);
    const answer = await second.ask("terminal-connect", { vmId: vm.id, type: "serial", takeOver: true });
    expect(answer.data).toMatchObject({ writable: true });
    await second.shows(vm.id, /\n42 é中\r\n/);
    await first.until("the right has gone", () => first.all("terminal-writer").length === 1);
    type(first, "echo nobody\r");
    type(second, "echo somebody-$((1))\r");
    expect(await first.shows(vm.id, /\nsomebody-1\r\n/)).not.toContain("nobody");
    expect(await second.ask("terminal-close", { vmId: vm.id })).toMatchObject({ type: "terminal-closed" });
    await first.until("the right has come back", () => first.all("terminal-writer").at(-1)?.writable);
    type(first, "exit\r");
    expect(await first.ask("terminal-close", { vmId: vm.id })).toMatchObject({ type: "terminal-closed" });
    second.close();
  });
});

describe("a login over SSH", () => {
  it("gives a shell as large as its window, and keeps no credentials anywhere", async () => {
    const before = socket.terminal(vm.id).length;
    const { data } = await socket.ask("terminal-connect", {
      vmId: vm.id,
      type: "ssh",
      credentials,
      cols: 90,
      rows: 20,
    });
    expect(data).toMatchObject({ type: "ssh", writable: true });
    socket.send("terminal-input", { vmId: vm.id, input: "stty size\n" });
    await socket.shows(vm.id, /\n20 90\r\n/);
    socket.send("terminal-resize", { vmId: vm.id, cols: 120, rows: 40 });
    socket.send("terminal-input", { vmId: vm.id, input: "stty size; exit\n" });
    await socket.shows(vm.id, /\n40 120\r\n/);
    expect(socket.terminal(vm.id).length).toBeGreaterThan(before);
    await socket.until("it is closed", () => socket.all("terminal-closed").length === 2);

    const secret = "a-password-of-nobody";
    const refused = await socket.ask("terminal-connect", {
      vmId: vm.id,
      type: "ssh",
      credentials: { username: "demo", password: secret },
    });
    expect(refused).toMatchObject({ type: "error", data: { code: "SSH_AUTH_FAILED", vmId: vm.id } });
    expect(await cloud.holds(secret)).toEqual([]);
  });
});

describe("the screen", () => {
  it("shows other pixels after typed keys, as bytes and as JSON", async () => {
    const raw = await cloud.connect(await ticketed("vnc"), ["binary"]);
    const screen = new RfbClient((bytes) => raw.send(bytes));
    raw.on("message", (data: Buffer) => screen.receive(data));
    expect(await socket.ask("vnc-connect", { vmId: vm.id })).toMatchObject({ type: "vnc-connected" });
    const json = new RfbClient((bytes) => socket.send("vnc-data", { vmId: vm.id, data: bytes.toString("base64") }));
    let heard = 0;
    const feed = setInterval(() => {
      const all = socket.all("vnc-data");
      for (; heard < all.length; heard++) json.receive(Buffer.from(all[heard]?.data ?? "", "base64"));
    }, 20);
    const blank = await screen.picture();
    for (const letter of "root") screen.key(letter.charCodeAt(0));
    await cloud.until("both have changed", async () => {
      const [one, two] = [await screen.picture(), await json.picture()];
      return differing(blank, one) > 100 && differing(one, two) < 100;
    });
    const typed = await json.picture();
    socket.send("vnc-input", { vmId: vm.id, inputType: "text", text: "Typed!" });
    socket.send("vnc-input", { vmId: vm.id, inputType: "mouse", x: 10, y: 10, buttons: 0 });
    await cloud.until("it has changed again", async () => differing(typed, await json.picture()) > 100);
    expect(await socket.ask("vnc-close", { vmId: vm.id })).toMatchObject({ type: "vnc-closed", data: { code: null } });
    clearInterval(feed);
    raw.close();
  });
});

describe("samples", () => {
  it("come while they are watched, and end on the host with the last watcher", async () => {
    await socket.ask("subscribe", { topic: "vm-metrics", vmId: "consoles", interval: 1_000 });
    await socket.ask("subscribe", { topic: "system-monitor", interval: 1_000 });
    await socket.until(
      "three of each",
      () => socket.all("vm-metrics").length > 2 && socket.all("system-monitor").length > 2,
    );
    expect(socket.all("vm-metrics").at(-1)).toMatchObject({ vmId: vm.id, cpu: { cores: 1 }, memory: { total: 128 } });
    expect(socket.all("system-monitor").at(-1)).toMatchObject({ hostId: null, memory: { usage: expect.any(Number) } });
    await socket.ask("unsubscribe", { topic: "vm-metrics", vmId: vm.id });
    await socket.ask("unsubscribe", { topic: "system-monitor" });
    await untilQuiet(() => socket.messages.length, 3_000);
  });
});

describe("in a browser, with nothing in between", unless(notHere(chromiumPath, "chromium")), () => {
  it("noVNC shows the screen and types, and xterm.js shows and types on the serial console", async () => {
    const page = await ConsolePage.open(`http://localhost:${cloud.port}`);
    try {
      await page.connect({ vnc: await ticketed("vnc"), serial: await ticketed("serial") });
      await page.until("the viewer is connected", async () => (await page.state()).vnc === "connected");
      const size = (await page.state()).size;
      expect(size.width).toBeGreaterThan(600);
      const drawn = async () => (await page.pixels()).some((byte, at) => at % 4 < 3 && byte > 0);
      await page.until("the screen is drawn", drawn);
      const before = await page.pixels();
      await page.type("vnc", "browser");
      await page.until("the screen has changed", async () => differing(before, await page.pixels()) > 100);

      await page.until("the prompt", async () => (await page.text()).includes("login:"));
      await page.type("serial", "nobody-here\n");
      await page.until("its echo", async () => (await page.text()).includes("nobody-here"));
      await page.screenshot();
    } finally {
      await page.close();
    }
  });
});
