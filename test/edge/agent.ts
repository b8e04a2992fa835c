/** An agent at the far end of a real socket to the Worker: it says what a test tells it to and keeps what it hears. */
import { SELF } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { hashSecret } from "../../api/ids.ts";
import {
  type AgentFrame,
  EdgeFrame,
  type ExecuteFrame,
  type HostFacts,
  type LinkFeature,
  type Outcome,
  pingText,
  pongText,
} from "../../protocol/agent-link.ts";
import type { VmReport } from "../../protocol/operations.ts";
import { Client, machine } from "./client.ts";

const origin = "http://edge.test";

export const facts = {
  ...{
    hostname: "h",
    os: "Debian",
    kernel: "6.1",
    arch: "x64",
    cpus: 4,
    memoryMib: 8704,
    diskGib: 100,
    diskFreeGib: 50,
  },
  ...{ qemuVersion: "7.2.22", accelerator: "tcg" as const, acceleratorReason: "a test" },
};

export const succeeded: Outcome = { status: "succeeded", code: null, message: null, result: null };

export function report(vmId: string, power: VmReport["power"], more: Partial<VmReport> = {}): VmReport {
  const runs = power !== "stopped";
  return {
    vmId,
    generation: 1,
    power,
    pid: runs ? 7 : null,
    startTicks: runs ? 7 : null,
    accelerator: runs ? "tcg" : null,
    fault: null,
    ...more,
  };
}

export async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x } = await exportJWK(publicKey);
  return { privateKey, x: x as string };
}
type Key = Awaited<ReturnType<typeof newKey>>;

/** Asks for enrolment as an agent does. */
export async function enrol(token: string, { privateKey, x }: Key) {
  const proof = await new SignJWT({ tokenHash: await hashSecret(token) })
    .setProtectedHeader({ alg: "EdDSA", typ: "voidvm-enrol+jwt" })
    .setAudience(origin)
    .setIssuedAt()
    .sign(privateKey);
  return new Client(null).post("/agent/enrol", { token, publicKey: { kty: "OKP", crv: "Ed25519", x }, proof });
}

export async function linkToken(
  hostId: string,
  { privateKey }: Key,
  more: { iat?: number; typ?: string; aud?: string } = {},
) {
  const { iat = Math.floor(Date.now() / 1000), typ = "voidvm-agent+jwt", aud = origin } = more;
  return new SignJWT({})
    .setProtectedHeader({ alg: "EdDSA", typ })
    .setIssuer(hostId)
    .setAudience(aud)
    .setIssuedAt(iat)
    .setExpirationTime(iat + 60)
    .setJti(crypto.randomUUID())
    .sign(privateKey);
}

export function dial(token: string): Promise<Response> {
  return SELF.fetch(`${origin}/api/v1/agent/link`, {
    headers: { Upgrade: "websocket", Authorization: `Bearer ${token}` },
  });
}

export class FakeAgent {
  readonly hostId: string;
  readonly frames: EdgeFrame[] = [];
  journalId = "journal-1";
  version = "0.1.0";
  /** What it knows beyond version 1 of the protocol. */
  features: LinkFeature[] = ["samples", "streams"];
  protocol = { lowest: 1, highest: 2 };
  facts: HostFacts = facts;
  epoch = 0;
  pongs = 0;
  closedWith: number | null = null;
  /** Answers an order at once where it gives something. */
  onExecute: (frame: ExecuteFrame) => void = () => {};
  onDescribe: (frame: Extract<EdgeFrame, { type: "describe" }>) => void = () => {};
  readonly #key: Key;
  #socket: WebSocket | null = null;

  private constructor(hostId: string, key: Key) {
    this.hostId = hostId;
    this.#key = key;
  }

  /** A host of its own, enrolled through the public way. */
  static async enrolled(admin: Client, name: string): Promise<FakeAgent> {
    const { body } = await admin.post("/hosts", { name });
    const key = await newKey();
    const answer = await enrol(body.data.enrolment.token, key);
    return new FakeAgent(answer.body.data.hostId, key);
  }

  /** Enrols again with a new key, as after a new installation. What the old key opened stays open here. */
  async enrolAgain(admin: Client): Promise<FakeAgent> {
    const { body } = await admin.post(`/hosts/${this.hostId}/token`);
    const key = await newKey();
    await enrol(body.data.enrolment.token, key);
    return new FakeAgent(this.hostId, key);
  }

  /** Another agent with the same key, as a stolen one would be. */
  twin(): FakeAgent {
    return new FakeAgent(this.hostId, this.#key);
  }

  token(): Promise<string> {
    return linkToken(this.hostId, this.#key);
  }

  /** Dials, says hello and reports. */
  async connect(
    vms: VmReport[] = [],
    operations: { operationId: string; vmId: string; state: "accepted" | "running" | "done" }[] = [],
  ) {
    await this.open();
    await this.heard("welcome");
    this.send({ type: "report", vms, operations, last: true });
    await this.heard("sync");
  }

  async open(greatestEpoch = 0): Promise<void> {
    const response = await dial(await this.token());
    const socket = response.webSocket;
    if (!socket) throw new Error(`No socket: ${response.status}`);
    this.frames.length = 0;
    this.closedWith = null;
    socket.accept();
    socket.addEventListener("message", ({ data }) => this.#hear(String(data)));
    // The runtime warns of a handler that returns something.
    socket.addEventListener("close", ({ code }) => {
      this.closedWith = code;
    });
    this.#socket = socket;
    this.sendRaw({
      type: "hello",
      protocol: this.protocol,
      agentVersion: this.version,
      features: this.features,
      bootId: "boot-1",
      journalId: this.journalId,
      greatestEpoch,
      facts: this.facts,
    });
  }

  // Frames are checked on the other side.
  send(frame: any): void {
    this.sendRaw({ ...frame, epoch: this.epoch } as AgentFrame);
  }

  sendRaw(frame: AgentFrame | string): void {
    this.#socket?.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  done({ operationId, kind, vmId }: ExecuteFrame, vm: VmReport | null, outcome: Outcome = succeeded): void {
    this.send({ type: "done", operationId, kind, vmId, outcome, vm });
  }

  ping(): void {
    this.#socket?.send(pingText);
  }

  close(): void {
    this.#socket?.close(1000, "gone");
  }

  async heard<T extends EdgeFrame["type"]>(type: T, skip = 0): Promise<Extract<EdgeFrame, { type: T }>> {
    await until(() => this.frames.filter((frame) => frame.type === type).length > skip, `${type} heard`);
    return this.frames.filter((frame) => frame.type === type)[skip] as Extract<EdgeFrame, { type: T }>;
  }

  #hear(text: string): void {
    if (text === pongText) {
      this.pongs++;
      return;
    }
    const frame = EdgeFrame.parse(JSON.parse(text));
    this.frames.push(frame);
    if (frame.type === "welcome") this.epoch = frame.epoch;
    if (frame.type === "execute") this.onExecute(frame);
    if (frame.type === "describe") this.onDescribe(frame);
  }
}

/** A host with an agent at its end, and a machine on it that has been made. */
export async function hosted(admin: Client, name: string, power: "running" | "stopped" = "stopped") {
  const agent = await FakeAgent.enrolled(admin, name);
  await agent.connect();
  const { body } = await admin.post("/vms", machine(name, { hostId: agent.hostId, disk: 2, memory: 512 }));
  const id = body.data.id as string;
  agent.done(await agent.heard("execute"), report(id, power));
  await until(async () => (await admin.get(`/vms/${id}`)).body.data.operation === null, "it is made");
  return { agent, id };
}

export async function until(check: () => boolean | Promise<boolean>, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}`);
    await scheduler.wait(10);
  }
}
