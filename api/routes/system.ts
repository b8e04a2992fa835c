/** `/system`: what this installation is and has. */
import { Hono } from "hono";
import { readTotals } from "../../db/system.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";

export const system = new Hono<AppEnv>().get("/info", async (c) => {
  const { vmRows, hostRows } = await readTotals(c.env.DB);
  const online = hostRows.filter(({ status }) => status === "online");
  const sum = (what: "cpu" | "memory" | "disk") => online.reduce((total, host) => total + host[what], 0);
  const seen = (values: (string | null | undefined)[]) => [...new Set(values.filter((value) => value != null))];
  return ok(c, {
    name: "VoidVM",
    version: c.env.VOIDVM_VERSION ?? "unknown",
    apiVersion: "v1",
    hosts: {
      total: hostRows.length,
      online: online.length,
      /** Of the hosts that are online, with their overcommit. */
      capacity: { cpu: sum("cpu"), memory: sum("memory"), disk: sum("disk") },
      qemuVersions: seen(online.map(({ facts }) => facts?.qemuVersion)),
      accelerators: seen(online.map(({ facts }) => facts?.accelerator)),
    },
    vms: {
      total: vmRows.reduce((total, row) => total + row.count, 0),
      byStatus: Object.fromEntries(vmRows.map((row) => [row.status, row.count])),
    },
  });
});
