import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { addressesFor, isLoopback } from "../../../scripts/edge/addresses.ts";
import { checkPort } from "../../../scripts/start/checks.ts";
import { readSettings } from "../../../scripts/start/settings.ts";

async function takenPort(host: string): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as { port: number }).port;
}

describe("the port", () => {
  it("that is free is accepted", async () => {
    const port = await takenPort("127.0.0.2");
    await expect(checkPort(undefined, port)).resolves.toBeUndefined();
  });

  it.each(["127.0.0.1", "0.0.0.0"])("that is taken on %s is refused with the next one as advice", async (host) => {
    const port = await takenPort(host);
    await expect(checkPort(undefined, port)).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is taken by another program: choose a free one, as in PORT=${port + 1} npm start.`,
    );
  });

  it("that is given up in a moment is waited for", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    setTimeout(() => server.close(), 200);

    await expect(checkPort(undefined, port)).resolves.toBeUndefined();
  });

  it("on an address of another machine is refused", async () => {
    // TEST-NET-1: nobody has it.
    await expect(checkPort("192.0.2.1", 30_000)).rejects.toThrow("192.0.2.1, which is no address of this machine");
  });
});

describe("the addresses", () => {
  it("are loopback alone unless more is asked for", async () => {
    for (const bind of [undefined, "127.0.0.1", "localhost", "::1"]) {
      expect((await addressesFor(bind)).every(isLoopback)).toBe(true);
    }
  });

  it("include loopback, where the agent dials, whatever is asked for", async () => {
    expect(await addressesFor("192.0.2.1")).toEqual(expect.arrayContaining(["192.0.2.1", "127.0.0.1"]));
    expect(await addressesFor("0.0.0.0")).not.toContain("127.0.0.1");
  });
});

describe("the environment", () => {
  it("may leave everything out", () => {
    expect(readSettings({})).toMatchObject({ port: 3000, bind: undefined, adminPassword: undefined });
    expect(readSettings({}).home).toMatch(/\/\.voidvm$/);
  });

  it.each(["0", "65536", "-1", "80a", "1e3", " 80"])("with PORT=%j is refused", (port) => {
    expect(() => readSettings({ PORT: port })).toThrow(`PORT is '${port}'`);
  });

  it.each(["example.org", "0.0.0.0:80", "*"])("with VOIDVM_BIND=%j is refused", (bind) => {
    expect(() => readSettings({ VOIDVM_BIND: bind })).toThrow(`VOIDVM_BIND is '${bind}'`);
  });
});
