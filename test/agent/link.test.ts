/** The agent's side of the link against an edge at the far end of a real socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, exportJWK, generateKeyPair, importJWK } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Identity } from "../../agent/identity.ts";
import { Journal, type JournalOperation } from "../../agent/journal.ts";
import { Link } from "../../agent/link.ts";
import { helloBasics, Session } from "../../agent/session.ts";
import type { VmTable } from "../../agent/vm-table.ts";
import type { Outcome } from "../../protocol/agent-link.ts";
import { FakeEdge } from "../fakes/edge.ts";

const vmId = `vm-${"0".repeat(26)}`;
const opId = (n: number) => `op-${`${n}`.padStart(26, "0")}`;
const succeeded: Outcome = { status: "succeeded", code: null, message: null, result: null };
const cancelled: Outcome = { status: "cancelled", code: "CANCELLED", message: "in time", result: null };
const machine = {
  ...{ vmId, generation: 2, power: "running" as const, pid: 7, startTicks: 7 },
  ...{ accelerator: "tcg" as const, fault: null },
};
const vms = {
  reports: async () => [],
  report: async () => machine,
  get: () => ({ generation: 2 }),
} as unknown as VmTable;
const facts = {
  ...{ hostname: "h", os: "o", kernel: "k", arch: "x64", cpus: 1, memoryMib: 1, diskGib: 1, diskFreeGib: 1 },
  ...{ qemuVersion: null, accelerator: null, acceleratorReason: "none" },
};

let folder: string;
let edge: FakeEdge;
let journal: Journal;
let ran: JournalOperation[];
let link: Link;
let session: Session;
let hasBegun: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-link-"));
  edge = await FakeEdge.start();
  journal = new Journal(join(folder, "journal.db"));
  ran = [];
  hasBegun = false;
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const key = await importJWK(await exportJWK(privateKey), "EdDSA");
  session = new Session({
    journal,
    vms,
    send: (frame) => link.send(frame),
    run: (operation) => ran.push(operation),
    cancel: async ({ id }) => {
      if (hasBegun) return false;
      journal.finish(id, cancelled, null);
      session.ended(id);
      return true;
    },
    openStream: async () => {},
    watch: () => {},
    hello: async () => ({
      ...helloBasics,
      agentVersion: "1",
      bootId: "b",
      journalId: journal.id,
      greatestEpoch: journal.greatestEpoch,
      facts,
    }),
    log: () => {},
    onUpdate: () => {},
    onSynced: () => {},
  });
  link = new Link(new Identity({ hostId: `host-${"0".repeat(26)}`, edge: edge.url }, key), session);
  void link.run();
});

afterEach(async () => {
  link.stop();
  await edge.stop();
  journal.close();
  rmSync(folder, { recursive: true });
});

const execute = (id: string, more: object = {}) => ({
  ...{ type: "execute" as const, epoch: edge.epoch, operationId: id, kind: "vm.start" as const, vmId, generation: 2 },
  ...{ input: {}, deadlineMs: 60_000, attempt: 1, ...more },
});

describe("an order", () => {
  it("is in the journal before it is accepted, and is run", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    expect(await edge.heard("accept")).toMatchObject({ operationId: opId(1), epoch: edge.epoch });
    expect(journal.find(opId(1))).toMatchObject({ state: "accepted" });
    expect(ran.map(({ id }) => id)).toEqual([opId(1)]);
  });

  it("that comes twice is accepted twice and run once", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    edge.send(execute(opId(1), { attempt: 2 }));
    await edge.heard("accept", 1);
    expect(ran).toHaveLength(1);
  });

  it("that was carried out is answered with its first outcome, even after the edge acknowledged it", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    await edge.heard("accept");
    journal.finish(opId(1), succeeded, null);
    session.ended(opId(1));
    await edge.heard("done");
    edge.send({ type: "done-ack", epoch: edge.epoch, operationId: opId(1) });
    edge.send(execute(opId(1)));
    expect(await edge.heard("done", 1)).toMatchObject({ operationId: opId(1), outcome: succeeded });
    expect(ran).toHaveLength(1);
  });

  it.each([
    ["for an older machine", { generation: 1 }, "STALE_GENERATION"],
    ["with arguments that are not its kind's", { input: { command: "reboot" } }, "INVALID_ORDER"],
    ["past its deadline", { deadlineMs: 0 }, "OPERATION_EXPIRED"],
  ])("%s is rejected and not journalled", async (_why, more, code) => {
    await edge.heard("report");
    edge.send(execute(opId(1), more));
    expect(await edge.heard("reject")).toMatchObject({ operationId: opId(1), code });
    expect(journal.find(opId(1))).toBeNull();
    expect(ran).toEqual([]);
  });

  it("of an older session is dropped", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1), { epoch: edge.epoch - 1 }));
    edge.send(execute(opId(2)));
    await edge.heard("accept");
    expect(ran.map(({ id }) => id)).toEqual([opId(2)]);
  });
});

describe("a cancellation", () => {
  const cancel = (operationId: string) => edge.send({ type: "cancel", epoch: edge.epoch, operationId });

  it("in time is answered with the operation's end and then with its effect", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    await edge.heard("accept");
    cancel(opId(1));
    expect(await edge.heard("done")).toMatchObject({ operationId: opId(1), outcome: { status: "cancelled" } });
    expect(await edge.heard("cancelled")).toMatchObject({ operationId: opId(1), effect: "not-started" });
  });

  it("of what has begun or ended comes too late", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    edge.send(execute(opId(2)));
    await edge.heard("accept", 1);
    hasBegun = true;
    cancel(opId(1));
    expect(await edge.heard("cancelled")).toMatchObject({ operationId: opId(1), effect: "too-late" });
    journal.finish(opId(2), succeeded, null);
    cancel(opId(2));
    expect(await edge.heard("cancelled", 1)).toMatchObject({ operationId: opId(2), effect: "too-late" });
    expect(journal.find(opId(2))?.outcome).toEqual(succeeded);
  });

  it("of an order that never arrived finds nothing begun", async () => {
    await edge.heard("report");
    cancel(opId(9));
    expect(await edge.heard("cancelled")).toMatchObject({ operationId: opId(9), effect: "not-started" });
    expect(ran).toEqual([]);
  });
});

describe("a new session", () => {
  it("has a higher epoch than any before, and the agent keeps it", async () => {
    await edge.heard("report");
    const { epoch } = edge;
    edge.cut();
    await edge.heard("report", 1);
    expect(edge.epoch).toBe(epoch + 1);
    expect(journal.greatestEpoch).toBe(epoch + 1);
  });

  it("reports what has not ended for both sides and tells again the ends that are wanted", async () => {
    await edge.heard("report");
    edge.send(execute(opId(1)));
    edge.send(execute(opId(2)));
    await edge.heard("accept", 1);
    edge.cut();
    edge.wanted = [opId(1)];
    journal.finish(opId(1), succeeded, null);
    journal.finish(opId(2), succeeded, null);
    const report = await edge.heard("report", 1);
    expect(report.operations).toMatchObject([
      { operationId: opId(1), state: "done" },
      { operationId: opId(2), state: "done" },
    ]);
    expect(await edge.heard("done")).toMatchObject({ operationId: opId(1), epoch: edge.epoch });
    // What the edge does not want any more is acknowledged by that.
    expect(journal.find(opId(2))?.state).toBe("acknowledged");
  });
});

describe("an event of an earlier session", () => {
  it("comes after the report with the machine as it is now, so that it doesn't undo what the report said", async () => {
    await edge.heard("report");
    edge.cut();
    journal.addEvent(
      "vm.powered-off",
      { ...machine, power: "stopped", pid: null, startTicks: null },
      "The host restarted",
    );
    await edge.heard("report", 1);
    expect(await edge.heard("event")).toMatchObject({ sequence: 1, event: "vm.powered-off", vm: { power: "running" } });
  });
});

describe("a dial", () => {
  it("uses a token of its own that lives a minute", async () => {
    await edge.heard("report");
    edge.cut();
    await edge.heard("report", 1);
    const [first, second] = edge.tokens.map((token) => decodeJwt(token.replace("Bearer ", "")));
    expect(first?.aud).toBe(edge.url);
    expect((first?.exp ?? 0) - (first?.iat ?? 0)).toBe(60);
    expect(first?.jti).not.toBe(second?.jti);
  });

  it.each([3_600_000, -3_600_000])("after a refusal signs by the edge's clock, which is %i ms off", async (offMs) => {
    await edge.heard("report");
    const ahead = new Date(Date.now() + offMs);
    edge.refuseWith = { status: 401, date: ahead };
    const dials = edge.tokens.length;
    edge.cut();
    while (edge.tokens.length < dials + 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const token = decodeJwt((edge.tokens.at(-1) ?? "").replace("Bearer ", ""));
    expect(Math.abs((token.iat ?? 0) - ahead.getTime() / 1000)).toBeLessThan(30);
  });

  it("goes on after a frame that is not of the protocol", async () => {
    await edge.heard("report");
    edge.sendText("{not json");
    await edge.heard("report", 1);
    edge.send(execute(opId(1)));
    expect(await edge.heard("accept")).toMatchObject({ operationId: opId(1) });
  });
});
