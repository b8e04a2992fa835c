/** Downloads from a real server on loopback that breaks, stalls, lies, and sends people elsewhere. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createTlsServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { downloadFile, type DownloadOptions, downloadText } from "../../agent/download.ts";
import { isPublicAddress } from "../../agent/public-address.ts";
import { FakeImageServer, redirectTo, sendForEver, sendPart } from "../fakes/image-server.ts";

let server: FakeImageServer;
let folder: string;
let path: string;

/** All of 127.0.0.0/8 is this machine, so one address can stand for the internet and the others for what lies inside. */
const options: DownloadOptions = { maxBytes: 1_000_000, isAllowed: (address) => address === "127.0.0.1", stallMs: 500 };

beforeEach(async () => {
  server = await FakeImageServer.start();
  folder = mkdtempSync(join(tmpdir(), "voidvm-download-"));
  path = join(folder, "file");
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function fetchFile(from: string, more: Partial<DownloadOptions> = {}): Promise<string> {
  return downloadFile(from, path, "sha256", { ...options, ...more });
}

describe("a download", () => {
  it("writes the file and takes its digest", async () => {
    const content = Buffer.alloc(300_000, "abc");
    server.files.set("/image", content);
    const told: [number, number | null][] = [];

    expect(await fetchFile(server.url("/image"), { onProgress: (...progress) => told.push(progress) })).toBe(
      createHash("sha256").update(content).digest("hex"),
    );
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(told.at(-1)).toEqual([300_000, 300_000]);
  });

  it("follows redirects, relative ones too, up to five", async () => {
    for (let hop = 1; hop <= 5; hop++)
      server.files.set(`/${hop}`, redirectTo(hop === 5 ? "image" : `/${hop + 1}`, 302));
    server.files.set("/image", "here");
    expect(await downloadText(server.url("/1"), options)).toBe("here");

    server.files.set("/0", redirectTo("/1"));
    await expect(downloadText(server.url("/0"), options)).rejects.toThrow("redirects more than 5 times");
  });

  it.for([404, 403, 500, 503, 204, 206])("fails on an answer of %d", async (status) => {
    server.files.set("/image", (response) => response.writeHead(status).end());

    await expect(fetchFile(server.url("/image"))).rejects.toMatchObject({
      code: "IMAGE_UNAVAILABLE",
      message: `127.0.0.1:${server.port} answers ${status} for /image`,
    });
  });

  it("fails on a redirect to nowhere", async () => {
    server.files.set("/image", (response) => response.writeHead(302).end());
    await expect(fetchFile(server.url("/image"))).rejects.toThrow("answers 302");
    server.files.set("/image", redirectTo("http://[not"));
    await expect(fetchFile(server.url("/image"))).rejects.toThrow("redirects to what is no address");
  });

  it("fails when the connection breaks in the middle", async () => {
    server.files.set("/image", sendPart(Buffer.alloc(50_000), 100_000, "breaks"));

    await expect(fetchFile(server.url("/image"))).rejects.toMatchObject({
      code: "IMAGE_UNAVAILABLE",
      message: expect.stringMatching(
        /^The image can't be fetched from 127\.0\.0\.1:\d+: it broke off the connection/,
      ) as string,
    });
  });

  it("fails when the server falls silent, before its answer or in the middle of it", async () => {
    server.files.set("/silent", () => {});
    await expect(fetchFile(server.url("/silent"))).rejects.toThrow("it sent nothing for 0.5 s");
    server.files.set("/image", sendPart(Buffer.alloc(50_000), 100_000, "stalls"));
    await expect(fetchFile(server.url("/image"))).rejects.toThrow("it sent nothing for 0.5 s after 50000 bytes");
  });

  it("is not called silent while it comes slowly", async () => {
    server.files.set("/slow", (response) => {
      for (let part = 0; part <= 5; part++)
        setTimeout(() => (part < 5 ? response.write("x") : response.end()), 150 * part);
    });

    expect(await downloadText(server.url("/slow"), options)).toBe("xxxxx");
  });

  it("is too large when the server says so, before a byte is written", async () => {
    server.files.set("/image", sendPart(Buffer.alloc(10), 1_000_001, "stalls"));

    await expect(fetchFile(server.url("/image"))).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
    expect(() => readFileSync(path)).toThrow("ENOENT");
  });

  it("is too large when it does not end", async () => {
    server.files.set("/image", sendForEver);

    await expect(fetchFile(server.url("/image"))).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
    expect(readFileSync(path).length).toBeLessThanOrEqual(1_000_000);
  });

  it("ends when it is called off", async () => {
    server.files.set("/image", sendForEver);
    const signal = AbortSignal.timeout(50);

    await expect(fetchFile(server.url("/image"), { maxBytes: 1e12, signal })).rejects.toMatchObject({
      code: "CANCELLED",
    });
  });

  it("says in one sentence why a server is out of reach", async () => {
    const { port } = server;
    await server.close();
    await expect(fetchFile(`http://127.0.0.1:${port}/x`)).rejects.toThrow(
      `The image can't be fetched from 127.0.0.1:${port}: it refuses the connection`,
    );
    server = await FakeImageServer.start();
    for (const [code, why] of [
      ["ENOTFOUND", "its name is not known"],
      ["EAI_AGAIN", "its name can't be resolved, as on a host without a network"],
    ] as const) {
      const resolve: DownloadOptions["resolve"] = (_, callback) =>
        callback(Object.assign(new Error(code), { code }), []);
      await expect(fetchFile("https://images.example/x", { resolve })).rejects.toThrow(
        `The image can't be fetched from images.example: ${why}`,
      );
    }
  });
});

describe("an address that is not allowed", () => {
  it.for([
    "http://127.0.0.2/x",
    "http://localhost/x",
    "http://2130706434/x",
    "http://0x7f000002/x",
    "http://0177.0.0.2/x",
    "http://[::1]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://0.0.0.0/x",
  ])("is not asked for anything: %s", async (url) => {
    await expect(fetchFile(url, { isAllowed: isPublicAddress })).rejects.toMatchObject({
      code: "IMAGE_UNAVAILABLE",
      message: expect.stringContaining("it is not at a public address") as string,
    });
  });

  it.for(["file:///etc/passwd", "ftp://127.0.0.1/x", "nbd://127.0.0.1/x", "data:text/plain,x", "javascript:1"])(
    "is one of another protocol: %s",
    async (url) => {
      await expect(fetchFile(url)).rejects.toMatchObject({ code: "IMAGE_UNAVAILABLE" });
    },
  );

  it("is refused as the goal of a redirect, whatever led there", async () => {
    for (const goal of [server.url("/x", "127.0.0.2"), server.url("/x", "[::1]"), "file:///etc/passwd"]) {
      server.files.set("/image", redirectTo(goal));
      await expect(
        fetchFile(server.url("/image"), { isAllowed: (address) => address === "127.0.0.1" }),
      ).rejects.toMatchObject({
        code: "IMAGE_UNAVAILABLE",
      });
    }
    expect(server.requests).toEqual(["/image", "/image", "/image"]);
  });

  it("is refused where a name has it beside others", async () => {
    const resolve: DownloadOptions["resolve"] = (_, callback) =>
      callback(null, [
        { address: "127.0.0.1", family: 4 },
        { address: "127.0.0.2", family: 4 },
      ]);

    await expect(fetchFile(server.url("/x", "images.example"), { resolve })).rejects.toThrow("not at a public address");
    expect(server.requests).toEqual([]);
  });

  it("does not get in by a name that answers differently the second time", async () => {
    let asked = 0;
    const resolve: DownloadOptions["resolve"] = (_, callback) =>
      callback(null, [{ address: asked++ === 0 ? "127.0.0.1" : "127.0.0.2", family: 4 }]);
    server.files.set("/image", (response, request) => response.end(request.socket.localAddress));

    expect(await downloadText(server.url("/image", "images.example"), { ...options, resolve })).toBe("127.0.0.1");
    expect(asked).toBe(1);
  });

  it("is not told to the one who asked", async () => {
    const resolve: DownloadOptions["resolve"] = (_, callback) =>
      callback(null, [{ address: "10.20.30.40", family: 4 }]);
    const error = await fetchFile("http://intranet.example/x", { resolve }).catch((reason: Error) => reason);

    expect((error as Error).message).not.toContain("10.20.30.40");
  });
});

describe("TLS", () => {
  let secure: Server;
  let keys: string;
  const known = getCACertificates("default");

  beforeAll(async () => {
    keys = mkdtempSync(join(tmpdir(), "voidvm-tls-"));
    const [key, cert] = [join(keys, "key.pem"), join(keys, "cert.pem")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key];
    execFileSync("openssl", [...args, "-out", cert, ...subject], { stdio: "ignore" });
    secure = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      if (request.url === "/down") response.writeHead(302, { location: server.url("/image") }).end();
      else response.end("safe");
    });
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  });

  afterEach(() => setDefaultCACertificates(known));

  afterAll(async () => {
    secure.closeAllConnections();
    await new Promise((resolve) => secure.close(resolve));
    rmSync(keys, { recursive: true });
  });

  function secureUrl(file: string): string {
    return `https://127.0.0.1:${(secure.address() as AddressInfo).port}${file}`;
  }

  it("refuses a certificate that nobody known has signed", async () => {
    await expect(fetchFile(secureUrl("/image"))).rejects.toMatchObject({
      code: "IMAGE_UNAVAILABLE",
      message: expect.stringContaining("its certificate is not valid (DEPTH_ZERO_SELF_SIGNED_CERT)") as string,
    });
  });

  it("is not left for a plain connection by a redirect", async () => {
    setDefaultCACertificates([readFileSync(join(keys, "cert.pem"), "utf8")]);
    server.files.set("/image", "plain");

    expect(await downloadText(secureUrl("/image"), options)).toBe("safe");
    await expect(downloadText(secureUrl("/down"), options)).rejects.toThrow("without encryption");
    expect(server.requests).toEqual([]);
  });
});
