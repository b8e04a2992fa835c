/** What happens on a real host, told to a real socket; and every event once, though the edge is killed in the middle. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cloud, type OperationView } from "./cloud.ts";

interface Message {
  readonly type: string;
  readonly id?: string;
  // Every shape there is.
  readonly data: any;
}

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.start();
});
afterAll(() => cloud.dispose());

/** A client that keeps the last sequence, and comes back with it whenever its connection breaks. */
class Follower {
  readonly events: { seq: number; event: string; vmId: string | null }[] = [];
  readonly messages: Message[] = [];
  connections = 0;
  after: number | undefined;
  #socket: WebSocket | null = null;
  #done = false;

  constructor() {
    void this.#follow();
  }

  ask(type: string, data: object, id: string): void {
    this.#socket?.send(JSON.stringify({ type, data, id }));
  }

  end(): void {
    this.#done = true;
    this.#socket?.close();
  }

  async #follow(): Promise<void> {
    while (!this.#done) {
      await this.#connect().catch(() => {});
      await sleep(100);
    }
  }

  async #connect(): Promise<void> {
    const { body } = await cloud.post<{ url: string }>("/auth/ws-ticket", {});
    const socket = new WebSocket(body.data.url);
    const closed = Promise.withResolvers<void>();
    socket.addEventListener("close", () => closed.resolve());
    socket.addEventListener("error", () => closed.resolve());
    socket.addEventListener("open", () => {
      this.#socket = socket;
      this.connections++;
      this.ask("subscribe", { topic: "events", ...(this.after === undefined ? {} : { after: this.after }) }, "events");
    });
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      this.messages.push(message);
      if (message.type === "subscribe") this.after ??= message.data.seq;
      if (message.type !== "system-event") return;
      this.events.push(message.data);
      this.after = message.data.seq;
    });
    await closed.promise;
  }
}

it("the example of the documentation is told of a machine that starts", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/websocket.md"), "utf8");
  const example = /```js\n(.*?)```/s.exec(page)?.[1] ?? "";
  const printed: string[] = [];
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
    ...text: string[]
  ) => (...given: unknown[]) => Promise<WebSocket>;
  const run = new AsyncFunction("api", "console", `${example}\nreturn socket;`);
  const api = async (method: string, path: string, body: object) =>
    (await cloud.request(method, path.replace("/api/v1", ""), body)).body;
  const vm = await cloud.createTiny("exemplary");
  const socket = await run(api, { log: (...words: string[]) => printed.push(words.join(" ")) });
  try {
    await cloud.until("the present is told", async () => printed.includes("exemplary stopped"));
    expect(await cloud.act(vm.id, "start")).toMatchObject({ status: "succeeded" });
    await cloud.until("the start is told", async () => printed.includes("exemplary running"));
    expect(printed).toEqual(["exemplary stopped", "exemplary starting", "exemplary running"]);
  } finally {
    socket.close();
  }
  await cloud.request("DELETE", `/vms/${vm.id}?force=true`, undefined, { Prefer: "wait=55" });
});

it("every event comes once and in order, though the edge is killed in between", async () => {
  const follower = new Follower();
  await cloud.until("it follows", async () => follower.after !== undefined);
  const from = follower.after as number;
  const vm = await cloud.createTiny("followed");
  for (const _ of [1, 2, 3]) {
    const { connections } = follower;
    const started = await cloud.post<OperationView>(`/vms/${vm.id}/start`);
    cloud.kill("workerd");
    await cloud.operation(started.body.data.id);
    await cloud.until("it has come back", async () => follower.connections > connections);
    expect(await cloud.act(vm.id, "stop", { force: true })).toMatchObject({ status: "succeeded" });
  }
  const all = async () => {
    const { body } = await cloud.get<{ events: { seq: number; event: string }[] }>(`/events?after=${from}&limit=1000`);
    return body.data.events.map(({ seq, event }) => `${seq} ${event}`);
  };
  const heard = () => follower.events.map(({ seq, event }) => `${seq} ${event}`);
  await cloud.until("all is heard", async () => heard().length >= (await all()).length);
  expect(heard()).toEqual(await all());
  expect(follower.events.filter(({ event }) => event === "operation-ended").length).toBeGreaterThanOrEqual(7);
  follower.end();
});

it("a machine is controlled through the socket, and the answer comes when it is done", async () => {
  const follower = new Follower();
  await cloud.until("it follows", async () => follower.after !== undefined);
  const vm = await cloud.createTiny("through-the-socket");
  for (const [action, status] of [
    ["start", "running"],
    ["pause", "paused"],
    ["resume", "running"],
  ] as const) {
    follower.ask("vm-control", { vmId: "through-the-socket", action }, action);
    await cloud.until(`${action} is answered`, async () => follower.messages.some(({ id }) => id === action));
    const answer = follower.messages.find(({ id }) => id === action);
    expect(answer).toMatchObject({ type: "vm-control-response", data: { status: "success", error: null } });
    expect((await cloud.vm(vm.id)).status).toBe(status);
  }
  follower.end();
  await cloud.request("DELETE", `/vms/${vm.id}?force=true`, undefined, { Prefer: "wait=55" });
});
