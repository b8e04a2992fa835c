/**
 * The sockets of a user that other objects hold: raw consoles, and those that said only later whose they are. They have
 * places here, so that all of a user's sockets are counted in one object, exactly, however many come at once.
 */
import type { Permission } from "../../protocol/permissions.ts";
import type { Env } from "../env.ts";
import type { Credential } from "./user-sessions.ts";

export interface Place {
  /** The name of the object that holds the socket. */
  readonly id: string;
  readonly kind: "hub" | "stream";
  readonly userId: string;
  readonly credential: Credential;
  /** Without it the socket is closed. */
  readonly permission: Permission | null;
  /** ms since 1970; null: never. */
  readonly expiresAt: number | null;
}

/** What an object that holds a socket must answer. */
export interface SocketHolder {
  isOpen(): Promise<boolean>;
  /** The right to it has ended. */
  endAsUnauthenticated(reason: string): Promise<void>;
}

const patienceMs = 2_000;

export class Places {
  readonly #sql: SqlStorage;
  readonly #env: Env;

  constructor(sql: SqlStorage, env: Env) {
    this.#sql = sql;
    this.#env = env;
    sql.exec("CREATE TABLE IF NOT EXISTS place (id TEXT PRIMARY KEY, place TEXT NOT NULL)");
  }

  get count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM place").one().n;
  }

  all(): Place[] {
    return [...this.#sql.exec<{ place: string }>("SELECT place FROM place")].map(
      ({ place }) => JSON.parse(place) as Place,
    );
  }

  has(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM place WHERE id = ?", id).toArray().length > 0;
  }

  put(place: Place): void {
    this.#sql.exec("INSERT OR REPLACE INTO place VALUES (?, ?)", place.id, JSON.stringify(place));
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM place WHERE id = ?", id);
  }

  /** Gives up the places of objects that hold no socket any more, but died without a word. */
  async forgetGone(): Promise<void> {
    const places = this.all();
    const open = await Promise.all(places.map((place) => this.#isOpen(place)));
    places.filter((_, index) => open[index] === false).forEach(({ id }) => this.remove(id));
  }

  /** Ends the socket, and gives up its place. */
  async end(place: Place, reason: string): Promise<void> {
    this.remove(place.id);
    await this.holder(place).endAsUnauthenticated(reason);
  }

  holder({ id, kind }: Place): SocketHolder {
    const namespace = kind === "hub" ? this.#env.USER_HUB : this.#env.CONSOLE_STREAM;
    return namespace.getByName(id) as unknown as SocketHolder;
  }

  /** An object that can't say counts as one that holds its socket: the limit is kept. */
  async #isOpen(place: Place): Promise<boolean> {
    const late = scheduler.wait(patienceMs).then(() => true);
    return Promise.race([this.holder(place).isOpen(), late]).catch(() => true);
  }
}
