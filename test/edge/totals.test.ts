/** A list's total is kept, not counted: it must be what counting would give. */
import { env } from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import { addHost, Client, machine } from "./client.ts";

let admin: Client;
let user: Client;
beforeAll(async () => {
  await addHost();
  [admin, user] = await Promise.all([Client.as("admin", "none"), Client.as("user", "none")]);
});

it("a list's total follows machines that come and go, for their owner and for who sees all", async () => {
  const total = async (client: Client, query = "") => (await client.get(`/vms${query}`)).body.data.pagination.total;
  expect(await total(user)).toBe(0);
  const made = await Promise.all(["a", "b", "c"].map((name) => user.post("/vms", machine(name))));
  await admin.post("/vms", machine("a"));
  expect([await total(user), await total(admin)]).toEqual([3, 4]);

  await env.DB.prepare("DELETE FROM vms WHERE id = ?").bind(made[0]?.body.data.id).run();
  expect([await total(user), await total(admin)]).toEqual([2, 3]);
  expect([await total(user, "?search=b"), await total(user, "?page=9")]).toEqual([1, 2]);
});
