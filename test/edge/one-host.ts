/**
 * For tests of one host's link: an administrator, and before each test a host of its own with an agent at its end. To
 * import this is to have them.
 */
import { env, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach } from "vitest";
import type { Env } from "../../api/env.ts";
import type { HostLink } from "../../api/objects/host-link.ts";
import { FakeAgent, until } from "./agent.ts";
import { Client } from "./client.ts";

const bindings = env as unknown as Env;
export let admin: Client;
export let agent: FakeAgent;
/** Which test of the file it is, for names that can be there once. */
export let count = 0;

beforeAll(async () => {
  admin = await Client.as("admin", "none");
});
beforeEach(async () => {
  agent = await FakeAgent.enrolled(admin, `host-${++count}`);
});

/** From here on the test is of another agent and its host. */
export function turnTo(other: FakeAgent): void {
  agent = other;
}

export const link = () => bindings.HOST_LINK.getByName(agent.hostId);
export const host = async () => (await admin.get(`/hosts/${agent.hostId}`)).body.data;
export const vm = async (id: string) => (await admin.get(`/vms/${id}`)).body.data;
export const operation = async (id: string) => (await admin.get(`/operations/${id}`)).body.data;

export const isHost = (status: string) => until(async () => (await host()).status === status, `the host is ${status}`);
export const closed = (who: FakeAgent) => until(() => who.closedWith !== null, "the socket is closed");

/** How many changes the host's object has still to bring to D1. */
export const changes = () =>
  runInDurableObject(
    link(),
    (_: HostLink, { storage }) => storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM change").one().n,
  );

/** The audit trail's entries of one refusal, from any host. */
export const auditOf = async (code: string) => {
  const { body } = await admin.get("/audit?limit=100");
  return body.data.entries.filter((entry: { code: string }) => entry.code === code);
};
