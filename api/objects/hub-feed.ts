/**
 * Carries the events from D1 to the connections that wait for them, in their order, each once.
 *
 * A hint says only that there is something to read. What a connection has had is its cursor, which is kept with its
 * socket: so nothing is lost or doubled by a lost hint, an eviction or a client that reads slowly.
 */
import { beginWatching, endWatching, type EventPage, readEvents } from "../../db/events.ts";
import type { EventRow } from "../../db/schema.ts";
import type { Owner } from "../../db/vms.ts";
import { Coalesced } from "./coalesced.ts";
import type { Connection, Cursor } from "./hub-connection.ts";
import type { Env } from "../env.ts";

export interface Audience {
  /** The hub's own name. */
  name(): string;
  /** Those that have said who they are. */
  connections(): Connection[];
  tell(connection: Connection, cursor: Cursor, row: EventRow, page: EventPage): void;
  /** Goes on with present state that is not sent yet. False: there is none for which there is room. */
  sendOn(connections: readonly Connection[]): Promise<boolean>;
  /** This was read, whoever was told of it. */
  read(page: EventPage): void;
  /** `connection` has asked for events that are not kept any more. */
  expired(connection: Connection, forgotten: number): void;
}

const pageSize = 200;
const cursors = ["state", "events"] as const satisfies Cursor[];
const watchingKey = "watching";

export class Feed {
  readonly #env: Env;
  readonly #kv: SyncKvStorage;
  readonly #audience: Audience;
  readonly #reading = new Coalesced(() => this.#read());
  #joining = 0;
  /** D1 must hear of the beginning and the end of watching in their order. */
  #watching: Promise<unknown> = Promise.resolve();

  constructor(env: Env, kv: SyncKvStorage, audience: Audience) {
    this.#env = env;
    this.#kv = kv;
    this.#audience = audience;
  }

  /** While `work` reads the present and sets a cursor, and from then on, no event goes by without a hint. */
  async join(owner: Owner, work: () => Promise<void>): Promise<void> {
    this.#joining++;
    try {
      await this.#watch(owner);
      await work();
    } finally {
      this.#joining--;
    }
  }

  /** From now on the connection is told of events, whatever it has subscribed to. */
  async follow(connection: Connection): Promise<void> {
    const owner = connection.state.session as Owner;
    await this.join(owner, async () => {
      if (connection.state.cursors.state !== null) return;
      const { through } = await readEvents(this.#env.DB, owner, { after: 0, limit: 0 });
      const { cursors: all } = connection.state;
      connection.update({ cursors: { ...all, state: all.state ?? through } });
    });
  }

  /** It waits for nothing else, and needs no events but of what it has subscribed to. */
  rest(connection: Connection): void {
    const { subscriptions, cursors: all } = connection.state;
    const waits = subscriptions.some(({ topic }) => topic !== "events");
    if (!waits && all.state !== null) connection.update({ cursors: { ...all, state: null } });
  }

  /** For those that wait already: what D1 knows of this may have been lost, by a backup that was restored for one. */
  async watchAgain(): Promise<void> {
    this.#kv.delete(watchingKey);
    const [connection] = this.#audience.connections();
    if (connection?.state.session) await this.#watch(connection.state.session);
  }

  /** Ends the hints where nobody waits any more, whatever was thought before. */
  async unwatch(hub: string): Promise<void> {
    await this.#inOrder(async () => {
      if (this.isWanted || this.#joining > 0) return;
      this.#kv.delete(watchingKey);
      await endWatching(this.#env.DB, hub);
    });
  }

  get isWanted(): boolean {
    return this.#audience.connections().some(({ state }) => cursors.some((cursor) => state.cursors[cursor] !== null));
  }

  /** Reads until everybody who can take it has had all that there is. */
  run(): Promise<void> {
    return this.#reading.run();
  }

  async #read(): Promise<void> {
    for (;;) {
      const waiting = this.#audience.connections().flatMap((connection) => this.#positions(connection));
      if (waiting.length === 0) return;
      const from = Math.min(...waiting.map(({ at }) => at));
      // They are all one user's.
      const owner = waiting[0]?.connection.state.session as Owner;
      const page = await readEvents(this.#env.DB, owner, { after: from, limit: pageSize, withOperations: true });
      for (const connection of this.#audience.connections()) this.#deliver(connection, page, from);
      this.#audience.read(page);
      const isLast = page.rows.length < pageSize;
      const isUpToDate = isLast && waiting.every(({ at }) => at >= from);
      // Only between two deliveries: no event of a machine may be taken for told that is not in its piece.
      if (isUpToDate && !(await this.#audience.sendOn(this.#audience.connections()))) return;
    }
  }

  /** Where a connection stands, as far as it can take more. */
  #positions(connection: Connection): { connection: Connection; at: number }[] {
    const positions = cursors.flatMap((cursor) => {
      const at = connection.state.cursors[cursor];
      return at === null ? [] : [{ connection, at }];
    });
    if (positions.length === 0 || !connection.isFull) return positions;
    connection.noteFull();
    return [];
  }

  #deliver(connection: Connection, page: EventPage, from: number): void {
    for (const cursor of cursors) {
      const at = connection.state.cursors[cursor];
      // One that began while this was read, from before it, has its turn with the next page.
      if (at === null || at < from) continue;
      if (cursor === "events" && at < page.forgotten) this.#audience.expired(connection, page.forgotten);
      else this.#advance(connection, cursor, at, page);
    }
  }

  #advance(connection: Connection, cursor: Cursor, at: number, page: EventPage): void {
    let reached = at;
    for (const row of page.rows) {
      if (row.seq <= at) continue;
      if (connection.isFull) return this.#move(connection, cursor, reached);
      this.#audience.tell(connection, cursor, row, page);
      reached = row.seq;
    }
    this.#move(connection, cursor, Math.max(at, page.through));
  }

  #move(connection: Connection, cursor: Cursor, to: number): void {
    const { cursors: all } = connection.state;
    if (all[cursor] !== null) connection.update({ cursors: { ...all, [cursor]: to } });
  }

  async #watch({ id, seesAll }: Owner): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#kv.get<boolean>(watchingKey) === seesAll) return;
      await beginWatching(this.#env.DB, this.#audience.name(), { id, seesAll });
      this.#kv.put(watchingKey, seesAll);
    });
  }

  async #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#watching.then(work, work);
    this.#watching = done;
    await done;
  }
}
