/** Where machines go: the rule alone, on hosts that are only figures. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Demand, explainRefusals, placeVm } from "../../api/placement.ts";
import type { CandidateHost } from "../../db/create-vm.ts";

const room = { cpu: 16, memory: 16_384, disk: 400 };

function host(id: string, more: Partial<CandidateHost> = {}): CandidateHost {
  return {
    ...{ id, status: "online", schedulable: true, maintenance: false, accelerator: "kvm", labels: {} },
    ...{ capacity: room, allocated: { cpu: 0, memory: 0, disk: 0 }, hasImage: false },
    ...more,
  };
}

const filled = (part: number) => ({ cpu: room.cpu * part, memory: room.memory * part, disk: room.disk * part });

function demand(more: Partial<Demand> = {}): Demand {
  return { cpu: 1, memory: 1024, disk: 10, labels: {}, kvm: false, strategy: "spread", ...more };
}

const order = (hosts: readonly CandidateHost[], wanted: Partial<Demand> = {}) =>
  placeVm(hosts, demand(wanted)).candidates.map(({ id }) => id);

describe("placement", () => {
  const hosts = [host("half", { allocated: filled(0.5) }), host("empty"), host("most", { allocated: filled(0.75) })];

  it("spreads to the emptiest host, or packs into the fullest that has room", () => {
    expect(order(hosts)).toEqual(["empty", "half", "most"]);
    expect(order(hosts, { strategy: "pack" })).toEqual(["most", "half", "empty"]);
    expect(order(hosts, { strategy: "pack", memory: 6_000 })).toEqual(["half", "empty"]);
  });

  it("takes a host to be as full as the scarcest of what it has", () => {
    const lopsided = host("no-disk", { allocated: { cpu: 0, memory: 0, disk: 360 } });
    expect(order([lopsided, host("half", { allocated: filled(0.5) })])).toEqual(["half", "no-disk"]);
  });

  it("prefers a host that has the image, but not a full one to an empty one", () => {
    expect(order([host("a"), host("b", { hasImage: true })])).toEqual(["b", "a"]);
    expect(order([host("a"), host("b", { hasImage: true, allocated: filled(0.5) })])).toEqual(["a", "b"]);
  });

  it("gives hosts that are alike the order of their ids, whatever order they come in", () => {
    const ids = ["c", "a", "b"].map((id) => host(id));
    expect(order(ids)).toEqual(["a", "b", "c"]);
    expect(order(ids.toReversed(), { strategy: "pack" })).toEqual(["a", "b", "c"]);
  });

  it("says why each host that can't take it can't", () => {
    const all = [
      host("pending", { status: "pending" }),
      host("offline", { status: "offline", maintenance: true }),
      host("maintenance", { maintenance: true, schedulable: false }),
      host("draining", { schedulable: false }),
      host("no-accelerator", { accelerator: "none" }),
      host("labels", { labels: { zone: "b" } }),
      host("kvm", { accelerator: "tcg", labels: { zone: "a" } }),
      host("room", { allocated: { cpu: 16, memory: 16_000, disk: 0 }, labels: { zone: "a" } }),
      host("fine", { labels: { zone: "a", rack: "7" } }),
    ];
    const { candidates, refused } = placeVm(all, demand({ labels: { zone: "a" }, kvm: true }));
    expect(candidates.map(({ id }) => id)).toEqual(["fine"]);
    expect(refused.map(({ id, refusal }) => [id, refusal])).toEqual(all.slice(0, -1).map(({ id }) => [id, id]));
    expect(refused.at(-1)?.short).toEqual(["cpu", "memory"]);
  });

  it("tells people how many hosts lack what, the commonest reason first", () => {
    const full = { allocated: { cpu: 0, memory: 16_000, disk: 0 } };
    const three = [host("a", { schedulable: false }), host("b", full), host("c", full)];
    expect(explainRefusals(placeVm(three, demand()).refused)).toBe("3 hosts: 2 have no room for memory, 1 is draining");
    const one = placeVm([host("a", { allocated: room })], demand()).refused;
    expect(explainRefusals(one)).toBe("1 host: 1 has no room for vCPUs and memory and disk");
  });

  it("never gives a host more than it may be given, and turns nobody away who would fit", () => {
    const amounts = fc.record({ cpu: fc.nat(20), memory: fc.nat(20_000), disk: fc.nat(500) });
    const fleet = fc.array(amounts, { minLength: 1, maxLength: 20 });
    const strategy = fc.constantFrom("spread" as const, "pack" as const);
    fc.assert(
      fc.property(fleet, amounts, strategy, (taken, size, how) => {
        const all = taken.map((allocated, n) => host(`h${n}`, { allocated }));
        const fits = ({ allocated }: CandidateHost) =>
          (["cpu", "memory", "disk"] as const).every((what) => allocated[what] + size[what] <= room[what]);
        const { candidates, refused } = placeVm(all, demand({ ...size, strategy: how }));
        expect(new Set(candidates)).toEqual(new Set(all.filter(fits)));
        expect(candidates.length + refused.length).toBe(all.length);
      }),
    );
  });
});
