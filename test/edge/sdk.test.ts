/** The TypeScript SDK inside a Worker, on the Worker's own fetch. */
import { SELF } from "cloudflare:test";
import { expect, it } from "vitest";
import { type Retry, VoidVMClient } from "../../sdk/typescript/src/index.ts";
import { addHost, Client } from "./client.ts";

it("logs in, creates, lists and is refused, all without a socket", async () => {
  await addHost();
  const admin = await Client.as("admin");
  await admin.post("/users", { username: "worker", password: "correct horse" });
  const retries: Retry[] = [];
  const client = new VoidVMClient({
    ...{ baseURL: "http://edge.test/api/v1", username: "worker", password: "correct horse", language: "en" },
    fetch: (input, init) => SELF.fetch(input as string, init as never) as unknown as Promise<Response>,
    onRetry: (retry) => retries.push(retry),
  });

  const vm = await client.vms.create({ name: "made-here", cpu: 1, memory: 128, disk: 1, os: "tiny" });
  expect(vm).toMatchObject({ status: "creating", operation: { kind: "vm.create" } });
  expect((await client.vms.list()).map(({ name }) => name)).toEqual(["made-here"]);
  await expect(client.vms.create({ name: "made-here", cpu: 1, memory: 128, disk: 1 })).rejects.toMatchObject({
    code: "NAME_TAKEN",
  });
  await expect(client.operations.wait(vm.operation?.id ?? "", { timeout: 1 })).rejects.toMatchObject({
    code: "TIMEOUT",
  });
  await expect(client.users.list()).rejects.toMatchObject({ code: "FORBIDDEN", status: 403 });
  expect(retries).toEqual([]);
});
