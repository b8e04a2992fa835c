/** An agent on bad lines: silence, wrong names, wrong certificates, proxies, and an edge that doesn't want it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { decodeJwt, exportJWK, generateKeyPair, importJWK } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { enrol, Identity } from "../../agent/identity.ts";
import { Link } from "../../agent/link.ts";
import { HostPaths } from "../../agent/paths.ts";
import { helloBasics } from "../../agent/session.ts";
import { FakeEdge } from "../fakes/edge.ts";
import { ConnectProxy } from "../fakes/connect-proxy.ts";
import { LinkProxy } from "../fakes/link-proxy.ts";
import { freePort } from "../free-port.ts";

const run = promisify(execFile);
const facts = {
  ...{ hostname: "h", os: "o", kernel: "k", arch: "x64", cpus: 1, memoryMib: 1, diskGib: 1, diskFreeGib: 1 },
  ...{ qemuVersion: null, accelerator: null, acceleratorReason: "none" },
};

let folder: string;
let key: Awaited<ReturnType<typeof importJWK>>;
let lines: string[];
/** What a test has opened, to be closed in the opposite order. */
let opened: (() => unknown)[];
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  key = await importJWK(await exportJWK(privateKey), "EdDSA");
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-reconnect-"));
  lines = [];
  opened = [() => rmSync(folder, { recursive: true })];
  environment = { ...process.env };
});
afterEach(async () => {
  for (const close of opened.toReversed()) await close();
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});

async function openEdge(certificate?: { key: string; cert: string }): Promise<FakeEdge> {
  const edge = await FakeEdge.start(certificate);
  opened.push(() => edge.stop());
  return edge;
}

function dial(edge: string): Link {
  let epoch = 0;
  const link: Link = new Link(new Identity({ hostId: `host-${"0".repeat(26)}`, edge }, key), {
    hello: async () => ({
      ...helloBasics,
      ...{ agentVersion: "1", bootId: "b", journalId: "j", greatestEpoch: epoch, facts },
    }),
    welcome: (next) => void (epoch = next),
    report: async () => void link.send({ type: "report", vms: [], operations: [], last: true }),
    frame: () => {},
    closed: () => {},
    log: (line) => lines.push(line),
  });
  opened.push(() => link.stop());
  void link.run();
  return link;
}

async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}; logged:\n${lines.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const logged = (text: string) => until(() => lines.some((line) => line.includes(text)), `'${text}' is logged`);

/** A certificate for this machine that no authority has signed. */
async function ownCertificate() {
  const [keyFile, certFile] = [join(folder, "tls.key"), join(folder, "tls.crt")];
  const subject = ["-subj", "/CN=edge", "-addext", "subjectAltName=IP:127.0.0.1,DNS:edge.example"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await run("openssl", ["req", "-x509", ...kind, "-keyout", keyFile, "-out", certFile, ...subject]);
  return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") };
}

function trust(cert: string): void {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, cert]);
  opened.push(() => setDefaultCACertificates(before));
}

describe("a line that went dead without a word", () => {
  it("is left after the time that the edge's welcome says, and the next session reports", async () => {
    const edge = await openEdge();
    const proxy = await LinkProxy.start(() => edge.url);
    opened.push(() => proxy.stop());
    edge.figures = { pingIntervalMs: 100, deadMs: 2_000 };
    dial(proxy.url);
    await edge.heard("report");
    // As long as pings come back it is not dead, however long nothing else is said.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(lines.filter((line) => line.startsWith("Not connected"))).toEqual([]);
    proxy.silence();
    await logged("the edge fell silent");
    await edge.heard("report", 1);
    expect(edge.epoch).toBe(2);
  });
});

describe("what the agent says of a way that is closed", () => {
  it.each([
    ["a name that DNS doesn't know", "http://no-such-name.invalid", /not known to DNS|DNS does not answer/],
    ["a port on which nothing listens", "closed", /nothing listens there/],
    ["an answer that is no HTTP", "babble", /Not connected/],
  ])("names %s, what is kept and when it tries again", async (_what, where, meaning) => {
    let edge = where;
    if (where === "closed") edge = `http://127.0.0.1:${await freePort()}`;
    if (where === "babble") {
      const server = createServer((socket) => socket.on("error", () => {}).end("220 mail.example ESMTP\r\n"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      opened.push(() => server.close());
      edge = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    }
    dial(edge);
    await logged("Next try in");
    expect(lines[0]).toMatch(meaning);
    expect(lines[0]).toContain("Machines and operations go on");
    await until(() => lines.length > 1, "it tries again");
  });

  it("names a certificate that nobody signed, and gets in once it is trusted", async () => {
    const certificate = await ownCertificate();
    const edge = await openEdge(certificate);
    dial(edge.url);
    await logged("is not one that this host trusts");
    expect(edge.tokens).toEqual([]);
    trust(certificate.cert);
    await edge.heard("report");
    expect(edge.url).toMatch(/^https:/);
  });

  it("names a certificate for another name", async () => {
    const certificate = await ownCertificate();
    const edge = await openEdge(certificate);
    trust(certificate.cert);
    dial(`https://localhost:${edge.port}`);
    await logged("its certificate is for another name");
    expect(edge.tokens).toEqual([]);
  });
});

describe("behind a proxy", () => {
  it.each([
    ["HTTP_PROXY", undefined],
    ["HTTPS_PROXY", "tls"],
  ])("that %s names, the link and the enrolment go through it by CONNECT", async (name, tls) => {
    const certificate = tls ? await ownCertificate() : undefined;
    const edge = await openEdge(certificate);
    if (certificate) trust(certificate.cert);
    const proxy = await ConnectProxy.start(() => edge.port);
    opened.push(() => proxy.stop());
    process.env[name] = proxy.url;
    const outside = tls ? "https://edge.example" : "http://edge.example";
    dial(outside);
    await edge.heard("report");
    expect(decodeJwt(edge.tokens[0]?.replace("Bearer ", "") ?? "").aud).toBe(outside);
    const paths = new HostPaths(join(folder, "host"), join(folder, "run"));
    paths.prepare();
    await enrol(paths, outside, "t".repeat(24));
    const asked = `edge.example:${tls ? 443 : 80}`;
    expect(proxy.asked).toEqual([asked, asked]);
  });

  it("that refuses, its status is told", async () => {
    const proxy = await ConnectProxy.start(() => 9);
    opened.push(() => proxy.stop());
    proxy.refuseWith = 407;
    process.env["HTTP_PROXY"] = proxy.url;
    dial("http://edge.example");
    await logged("407");
    expect(proxy.asked[0]).toBe("edge.example:80");
  });

  it("what NO_PROXY names and this very machine are dialled straight", async () => {
    const edge = await openEdge();
    const proxy = await ConnectProxy.start(() => edge.port);
    opened.push(() => proxy.stop());
    process.env["HTTP_PROXY"] = proxy.url;
    dial(edge.url);
    await edge.heard("report");
    process.env["NO_PROXY"] = ".invalid";
    dial("http://edge.invalid");
    await logged("DNS");
    expect(proxy.asked).toEqual([]);
  });
});

describe("an edge that doesn't know the host any more", () => {
  const advice = "enrol it again with a new token";

  it("is told once by 4403, and then dialled rarely", async () => {
    const edge = await openEdge();
    dial(edge.url);
    await edge.heard("report");
    edge.close(4403, "This host was deleted");
    await logged(advice);
    expect(lines.at(-1)).toContain("This host was deleted");
    expect(Number(/Next try in (\d+) ms/.exec(lines.at(-1) ?? "")?.[1])).toBeGreaterThanOrEqual(150_000);
  });

  it("is believed at the second refusal", async () => {
    const edge = await openEdge();
    edge.refuseWith = { status: 401, date: new Date(), code: "UNAUTHENTICATED" };
    dial(edge.url);
    await logged(advice);
    expect(edge.tokens).toHaveLength(2);
    expect(lines[0]).toContain("not known here");
  });
});
