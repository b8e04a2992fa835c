/** What the edge makes of machines that a host reports and D1 doesn't know. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { HostLink } from "../../api/objects/host-link.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { hosted, report, until } from "./agent.ts";
import { admin, agent, auditOf, count, host, link, vm } from "./one-host.ts";

function specOf(id: string) {
  const tail = id.slice(-6).split("");
  const hex = tail.map((letter) => (letter.charCodeAt(0) % 16).toString(16)).join("");
  return {
    ...{ cpu: 2, memory: 512, disk: 3, network: "user", autostart: true },
    image: { id: "img-tiny", source: { from: "tiny" } },
    macAddress: `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`,
    uuid: crypto.randomUUID(),
  };
}
const vmId = (tail: string) => `vm-${tail.padStart(26, "0")}`;

describe("a machine that D1 doesn't know", () => {
  const answerDescriptions = () => {
    agent.features = ["describe", "samples", "streams"];
    const asked: string[] = [];
    agent.onDescribe = ({ vmIds }) => {
      asked.push(...vmIds);
      agent.send({ type: "described", vms: vmIds.map((id) => ({ vm: report(id, "running"), spec: specOf(id) })) });
    };
    return asked;
  };

  it("is taken in as an administrator's, with a mark, once, and can be managed", async () => {
    const asked = answerDescriptions();
    const id = vmId("abcdef");
    await agent.connect([report(id, "running")]);
    await until(async () => (await admin.get(`/vms/${id}`)).status === 200, "it is taken in");
    expect(await vm(id)).toMatchObject({
      ...{ status: "running", cpu: 2, memory: 512, disk: 3, image: "img-tiny", autostart: true },
      ...{ hostId: agent.hostId, labels: { "voidvm/adopted": expect.any(String) } },
    });
    await agent.connect([report(id, "running")]);
    await agent.heard("sync");
    expect(asked).toEqual([id]);
    const { body } = await admin.get(`/logs?vmId=${id}`);
    expect(body.data.logs).toHaveLength(1);
    expect((await admin.post(`/vms/${id}/pause`)).status).toBe(202);
    expect(await agent.heard("execute")).toMatchObject({ kind: "vm.pause", vmId: id });
  });

  it("is one of many: they come in pages, and what the host didn't report it can't bring in", async () => {
    const asked = answerDescriptions();
    const ids = Array.from({ length: 230 }, (_, index) => vmId(`9${index.toString().padStart(6, "0")}`));
    await agent.connect(ids.map((id) => report(id, "stopped")));
    await until(() => asked.length === 230, "all are asked for");
    agent.send({ type: "described", vms: [{ vm: report(vmId("evil"), "running"), spec: specOf(vmId("evil")) }] });
    const counted = async () => (await host()).allocated.vms;
    await until(async () => (await counted()) > 0, "they are taken in");
    expect((await admin.get(`/vms/${vmId("evil")}`)).status).toBe(404);
  });

  it("is left alone where the agent is too old to say what it is", async () => {
    await agent.connect([report(vmId("77777"), "running")]);
    await agent.heard("sync");
    expect(agent.frames.filter(({ type }) => type === "describe")).toEqual([]);
    expect((await admin.get(`/vms/${vmId("77777")}`)).status).toBe(404);
  });

  it("or rather knows as another host's is dropped and audited", async () => {
    const { id } = await hosted(admin, `victim-${count}`, "running");
    answerDescriptions();
    await agent.connect([report(id, "stopped")]);
    await until(async () => (await auditOf("FOREIGN_VM")).length > 0, "it is audited");
    await agent.connect([report(id, "stopped")]);
    const entries = await auditOf("FOREIGN_VM");
    expect(entries).toMatchObject([{ credential: { type: "host", id: agent.hostId }, result: "refused" }]);
    expect(entries[0].path).toContain(id);
    expect((await vm(id)).status).toBe("running");
  });

  it("counts up to ten thousand a host", async () => {
    await agent.open();
    await agent.heard("welcome");
    const id = (n: number) => vmId(`8${n.toString().padStart(6, "0")}`);
    for (let page = 0; page < 21; page++) {
      const ids = Array.from({ length: 500 }, (_, index) => id(page * 500 + index));
      agent.send({ type: "report", vms: ids.map((one) => report(one, "stopped")), operations: [], last: page === 20 });
    }
    await agent.heard("sync");
    const reported = await runInDurableObject(
      link(),
      (_: HostLink, state) =>
        state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM reported WHERE kind = 'vm'").one().n,
    );
    expect(reported).toBe(linkLimits.maxVmsPerHost);
  });
});
