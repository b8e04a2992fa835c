/**
 * What clients send on `/ws`, and the handler of each type. A type without a handler is not offered.
 *
 * A handler throws `ApiError` for what is wrong; the connection stays. Requests of one connection are handled one after
 * the other, so a handler that takes long must not be waited for.
 */
import type * as z from "zod";
import { ClientMessage } from "../../protocol/client-socket.ts";
import { ApiError } from "../errors.ts";
import { invalidity } from "../validate.ts";
import { inputControl, screenWish, terminalWish } from "./console-messages.ts";
import type { Connection, Session } from "./hub-connection.ts";
import { topics, withoutSubscription, withSubscription } from "./hub-topics.ts";
import type { UserHub } from "./user-hub.ts";

type Type = ClientMessage["type"];
type Message<T extends Type> = Extract<ClientMessage, { type: T }>;
type Handler<T extends Type> = (hub: HubParts, connection: Connection, message: Message<T>) => void | Promise<void>;

/** What handlers may use of the hub. */
export type HubParts = UserHub["parts"];

/** Of reading the present state anew. One is enough, unless the database was restored to an older state. */
const maxTries = 3;

const handlers: { readonly [T in Type]?: Handler<T> } = {
  async subscribe(hub, connection, { data: topic, id }) {
    const rule = topics[topic.topic];
    if (!rule) throw notOffered(`topic '${topic.topic}'`);
    assertMay(connection, rule.permission);
    // Before the database is asked.
    const { subscriptions } = connection.state;
    if (!subscriptions.some((one) => one.topic === topic.topic)) {
      withSubscription(subscriptions, { topic: topic.topic, since: 0 });
    }
    hub.takeSubscribe();
    await hub.feed.join(connection.state.session as Session, async () => {
      const begin = () => rule.begin(hub.env, connection, topic as never);
      let beginning = await begin();
      // The connection may have been told in the meantime of events that came after this was read, and is told of each once.
      const isLate = () => beginning.cursor === "state" && (connection.state.cursors.state ?? 0) > beginning.at;
      for (let tries = 0; isLate() && tries < maxTries; tries++) beginning = await begin();
      const { subscription, cursor, at, state } = beginning;
      const { cursors } = connection.state;
      connection.update({
        subscriptions: withSubscription(connection.state.subscriptions, subscription),
        cursors: { ...cursors, [cursor]: cursor === "events" ? at : (cursors[cursor] ?? at) },
      });
      const seq = cursor === "events" ? { seq: at } : {};
      connection.send(answerTo(id, "subscribe", { status: "success", topic: topic.topic, ...seq }));
      state();
    });
    hub.runFeed();
    hub.settleSamples();
  },
  unsubscribe(hub, connection, { data: topic, id }) {
    const subscriptions = withoutSubscription(connection.state.subscriptions, topic);
    const { cursors } = connection.state;
    connection.update({ subscriptions, cursors: topic.topic === "events" ? { ...cursors, events: null } : cursors });
    connection.send(answerTo(id, "unsubscribe", { status: "success", topic: topic.topic }));
    hub.settleSamples();
  },
  async "vm-control"(hub, connection, { data, id }) {
    await hub.feed.follow(connection);
    // It answers by itself, and others needn't wait for it.
    hub.inBackground(hub.control.begin(connection, { ...data, id }));
  },
  async "vnc-connect"({ consoles, name }, connection, { data, id }) {
    assertMay(connection, "vm:console");
    await consoles.connect(name(), connection, screenWish(data, id));
  },
  "vnc-data"({ consoles }, connection, { data }) {
    consoles.bytes(connection, data.vmId, "screen", Buffer.from(data.data, "base64"));
  },
  "vnc-input"({ consoles }, connection, { data }) {
    consoles.control(connection, data.vmId, "screen", inputControl(data));
  },
  "vnc-close"({ consoles }, connection, { data, id }) {
    consoles.close(connection, data.vmId, "screen", id);
  },
  async "terminal-connect"({ consoles, name }, connection, { data, id }) {
    assertMay(connection, "vm:console");
    await consoles.connect(name(), connection, terminalWish(data, id));
  },
  "terminal-input"({ consoles }, connection, { data }) {
    consoles.bytes(connection, data.vmId, "terminal", new TextEncoder().encode(data.input));
  },
  "terminal-resize"({ consoles }, connection, { data: { vmId, cols, rows } }) {
    consoles.control(connection, vmId, "terminal", { type: "resize", cols, rows });
  },
  "terminal-close"({ consoles }, connection, { data, id }) {
    consoles.close(connection, data.vmId, "terminal", id);
  },
  ping(_hub, connection, { id }) {
    connection.send(answerTo(id, "pong", {}));
  },
};

/** Of a connection that has said who it is. */
export async function handleMessage(hub: HubParts, connection: Connection, message: ClientMessage): Promise<void> {
  const about = { id: message.id, ...("vmId" in (message.data ?? {}) ? { vmId: vmIdOf(message) } : {}) };
  try {
    const handler = handlers[message.type] as Handler<Type> | undefined;
    if (!handler) throw notOffered(`type '${message.type}'`);
    await handler(hub, connection, message);
  } catch (error) {
    if (error instanceof ApiError) return connection.fail(error.code, error.message, about);
    const { message: text, stack } = error as Error;
    console.error(JSON.stringify({ level: "error", source: "hub", message: text, stack }));
    connection.fail("INTERNAL_SERVER_ERROR", "The request failed for a reason of the server's", about);
  }
}

export type Parsed =
  | { readonly message: ClientMessage }
  | { readonly message: null; readonly details: string; readonly id: string | undefined };

export function parseMessage(text: string | ArrayBuffer): Parsed {
  if (typeof text !== "string") return { message: null, details: "A message is a text", id: undefined };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { message: null, details: "The message is not valid JSON", id: undefined };
  }
  const parsed = ClientMessage.safeParse(value);
  if (parsed.success) return { message: parsed.data };
  const { id } = (typeof value === "object" && value !== null ? value : {}) as { id?: unknown };
  const isId = typeof id === "string" && id.length <= 128;
  return { message: null, details: invalidity(parsed.error as z.core.$ZodError).details, id: isId ? id : undefined };
}

function assertMay(connection: Connection, permission: Session["may"][number]): void {
  if (connection.state.session?.may.includes(permission)) return;
  throw new ApiError("FORBIDDEN", `This needs the permission ${permission}`);
}

function notOffered(what: string): ApiError {
  return new ApiError("INVALID_REQUEST_PARAMS", `This edge does not offer the ${what}`);
}

function vmIdOf({ data }: ClientMessage): string {
  return (data as { vmId: string }).vmId;
}

function answerTo<T extends string, D>(id: string | undefined, type: T, data: D) {
  return { type, data, ...(id === undefined ? {} : { id }) };
}
