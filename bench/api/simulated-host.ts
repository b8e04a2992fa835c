/** A host at the far end of a real socket: it enrols, says hello, and does every order at once and without QEMU. */
import { createHash } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { WebSocket } from "ws";
import {
  EdgeFrame,
  type ExecuteFrame,
  linkLimits,
  linkProtocol,
  pingText,
  pongText,
} from "../../protocol/agent-link.ts";

export const facts = {
  ...{ hostname: "simulated", os: "none", kernel: "none", arch: "x64", qemuVersion: "7.2.22" },
  ...{ cpus: 1_000_000, memoryMib: 2_000_000_000, diskGib: 100_000_000, diskFreeGib: 100_000_000 },
  ...{ accelerator: "kvm" as const, acceleratorReason: "a simulation" },
};

export class SimulatedHost {
  readonly hostId: string;
  readonly #socket: WebSocket;

  private constructor(hostId: string, socket: WebSocket) {
    this.hostId = hostId;
    this.#socket = socket;
  }

  /** `token` is the one that `POST /hosts` answers. */
  static async join(origin: string, token: string): Promise<SimulatedHost> {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const { x } = await exportJWK(publicKey);
    const proof = await new SignJWT({ tokenHash: createHash("sha256").update(token).digest("hex") })
      .setProtectedHeader({ alg: "EdDSA", typ: "voidvm-enrol+jwt" })
      .setAudience(origin)
      .setIssuedAt()
      .sign(privateKey);
    const response = await fetch(`${origin}/api/v1/agent/enrol`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, publicKey: { kty: "OKP", crv: "Ed25519", x }, proof }),
    });
    if (!response.ok) throw new Error(`Enrolment: ${response.status} ${await response.text()}`);
    const { data } = (await response.json()) as { data: { hostId: string } };
    const linkToken = await new SignJWT({})
      .setProtectedHeader({ alg: "EdDSA", typ: "voidvm-agent+jwt" })
      .setIssuer(data.hostId)
      .setAudience(origin)
      .setIssuedAt()
      .setExpirationTime("60s")
      .setJti(crypto.randomUUID())
      .sign(privateKey);
    const socket = new WebSocket(`${origin.replace("http", "ws")}/api/v1/agent/link`, {
      headers: { Authorization: `Bearer ${linkToken}` },
    });
    const host = new SimulatedHost(data.hostId, socket);
    await host.#session();
    return host;
  }

  leave(): void {
    this.#socket.terminate();
  }

  /** Resolves when the edge has synchronised: it sends orders from then on. */
  #session(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.on("error", reject);
    this.#socket.on("open", () =>
      this.#send({
        type: "hello",
        protocol: linkProtocol,
        agentVersion: "0.0.0",
        features: [],
        bootId: "boot",
        journalId: "journal",
        greatestEpoch: 0,
        facts,
      }),
    );
    const pings = setInterval(() => this.#socket.send(pingText), linkLimits.pingIntervalMs);
    this.#socket.on("close", () => clearInterval(pings));
    let epoch = 0;
    this.#socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text === pongText) return;
      const frame = EdgeFrame.parse(JSON.parse(text));
      if (frame.type === "welcome") {
        epoch = frame.epoch;
        this.#send({ type: "report", epoch, vms: [], operations: [], last: true });
      }
      if (frame.type === "sync") resolve();
      if (frame.type === "execute") this.#execute(frame, epoch);
    });
    return promise;
  }

  #execute({ operationId, kind, vmId, generation }: ExecuteFrame, epoch: number): void {
    const vm = { vmId, generation, power: "stopped", pid: null, startTicks: null, accelerator: null, fault: null };
    this.#send({ type: "accept", epoch, operationId });
    const outcome = { status: "succeeded", code: null, message: null, result: null };
    this.#send({ type: "done", epoch, operationId, kind, vmId, outcome, vm: kind === "vm.delete" ? null : vm });
  }

  #send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
