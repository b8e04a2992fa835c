/** The quick start, read out of the README and run as it stands there, but for the port and the token. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cloud } from "./cloud.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const chinese = readFileSync(join(import.meta.dirname, "../../README.zh-CN.md"), "utf8");
const commands = [...readme.matchAll(/<!-- test: (\w+) -->\n```bash\n(.*?)```/gs)].map(([, name, text]) => ({
  name,
  text: text ?? "",
}));

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.start();
});
afterAll(() => cloud.dispose());

it("the quick start logs in, lists, creates, starts, stops and deletes a machine", async () => {
  expect(commands.map(({ name }) => name)).toEqual(["login", "list", "create", "start", "stop", "delete"]);
  const { token } = await run("login");
  expect((await run("list", token)).data).toMatchObject({ vms: [], pagination: { total: 0 } });
  expect((await run("create", token)).data).toMatchObject({ name: "test-vm", status: "creating" });

  const ended = { status: "succeeded", error: null };
  expect((await run("start", token)).data).toMatchObject({ ...ended, vm: { status: "running" } });
  expect(cloud.qemus()).toHaveLength(1);
  // A guest that is still in its firmware does not see the power button.
  await cloud.booted("test-vm");
  const stopped = { ...ended, vm: { status: "stopped" }, result: { stoppedBy: "guest" } };
  expect((await run("stop", token)).data).toMatchObject(stopped);
  expect((await run("delete", token)).data).toMatchObject({ ...ended, vm: null });
  expect(cloud.qemus()).toEqual([]);
});

it("the Chinese README has the same commands", () => {
  for (const { text } of commands) expect(chinese).toContain(text);
});

async function run(name: string, token = ""): Promise<{ token: string; data: Record<string, unknown> }> {
  const text = commands.find((command) => command.name === name)?.text ?? "";
  const command = text.replaceAll("localhost:3000", `localhost:${cloud.port}`).replaceAll("<your-token>", token);
  const { stdout } = await promisify(execFile)("bash", ["-c", command.replace("curl", "curl -sS")]);
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ success: true, message: "操作成功" });
  return answer;
}
