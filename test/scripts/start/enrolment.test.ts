import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildWorker } from "../../../scripts/build.ts";
import { enrolmentToken, hostIsUnknown, readHostId } from "../../../scripts/start/enrolment.ts";

const admin = { id: "user-1", username: "admin" };
let home: string;
let server: Server;
let origin: string;
let requests: { readonly line: string; readonly subject: string | undefined; readonly body: string }[];
let answer: (request: IncomingMessage, body: string, response: ServerResponse) => void;

beforeAll(async () => {
  await buildWorker();
});

/** An edge that answers as a test says. */
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "voidvm-enrolment-"));
  requests = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
      requests.push({ line: `${request.method} ${request.url}`, subject: decodeJwt(token).sub, body });
      answer(request, body, response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});

afterEach(() => {
  server.close();
  rmSync(home, { recursive: true });
});

describe("the enrolment of this machine", () => {
  it("asks for a host as the administrator, and gets its token", async () => {
    answer = (_request, _body, response) => response.end(JSON.stringify({ data: { enrolment: { token: "secret" } } }));

    expect(await enrolmentToken({ home, origin, admin })).toBe("secret");
    expect(requests).toEqual([
      { line: "POST /api/v1/hosts", subject: "user-1", body: expect.stringMatching(/^\{"name":"[a-z0-9-]+"\}$/) },
    ]);
  });

  it("takes another name where its own is taken", async () => {
    answer = (_request, body, response) => {
      if (body.endsWith('-3"}')) response.end(JSON.stringify({ data: { enrolment: { token: "third" } } }));
      else response.writeHead(409).end(JSON.stringify({ error: { message: "taken" } }));
    };

    expect(await enrolmentToken({ home, origin, admin })).toBe("third");
    expect(requests).toHaveLength(3);
  });

  it("that is refused says what the edge said", async () => {
    answer = (_request, _body, response) =>
      response.writeHead(403).end(JSON.stringify({ error: { message: "Not allowed", details: "no role" } }));

    await expect(enrolmentToken({ home, origin, admin })).rejects.toThrow("Not allowed (no role)");
  });

  it("without an edge says so", async () => {
    server.close();
    await expect(enrolmentToken({ home, origin, admin })).rejects.toThrow(`the edge does not answer on ${origin}`);
  });

  it("without an administrator tells the other way", async () => {
    await expect(enrolmentToken({ home, origin, admin: null })).rejects.toThrow("POST /api/v1/hosts");
  });
});

describe("a host that was enrolled", () => {
  it.each([
    [404, true],
    [200, false],
    [500, false],
    [401, false],
  ])("for which the edge answers %j counts as unknown: %j", async (status, unknown) => {
    answer = (_request, _body, response) => response.writeHead(status).end("{}");

    expect(await hostIsUnknown("host-1", { home, origin, admin })).toBe(unknown);
    expect(requests[0]?.line).toBe("GET /api/v1/hosts/host-1");
  });

  it("stays so while the edge is away", async () => {
    server.close();
    expect(await hostIsUnknown("host-1", { home, origin, admin })).toBe(false);
  });

  it("is told by the agent's file, and by nothing where there is none", async () => {
    const agentHome = join(home, "agent");
    expect(await readHostId(agentHome)).toBeNull();
    mkdirSync(agentHome);
    writeFileSync(join(agentHome, "agent.json"), '{"hostId":"host-1","edge":"http://127.0.0.1:3000"}');
    expect(await readHostId(agentHome)).toBe("host-1");
  });
});
