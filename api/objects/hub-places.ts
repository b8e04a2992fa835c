/**
 * The sockets of a user that other objects hold: raw consoles, and those that said only later whose they are. They have
 * places here, so that all of a user's sockets are counted in one object, exactly, however many come at once.
 */
import { socketCloseCodes } from "../../protocol/client-socket.ts";
import type { Permission } from "../../protocol/permissions.ts";
import type { Bearer } from "../auth.ts";
import type { Env } from "../env.ts";

export interface Place {
  /** The name of the object that holds the socket. */
  readonly id: string;
  readonly kind: "hub" | "stream";
  readonly bearer: Bearer;
  /** Of a stream: without it, it is ended. A hub knows by itself. */
  readonly permission: Permission | null;
}

const prefix = "place:";
const patienceMs = 2_000;

export class Places {
  readonly #kv: SyncKvStorage;
  readonly #env: Env;

  constructor(kv: SyncKvStorage, env: Env) {
    this.#kv = kv;
    this.#env = env;
  }

  all(): Place[] {
    return [...this.#kv.list<Place>({ prefix })].map(([, place]) => place);
  }

  has(id: string): boolean {
    return this.#kv.get(`${prefix}${id}`) !== undefined;
  }

  put(place: Place): void {
    this.#kv.put(`${prefix}${place.id}`, place);
  }

  remove(id: string): void {
    this.#kv.delete(`${prefix}${id}`);
  }

  /** Gives up the places of objects that hold no socket any more, but died without a word. */
  async forgetGone(): Promise<void> {
    const places = this.all();
    const open = await Promise.all(places.map((place) => this.#isOpen(place)));
    places.filter((_, index) => open[index] === false).forEach(({ id }) => this.remove(id));
  }

  /** Its right has ended. The place is free once the socket is gone. */
  async end({ id, kind }: Place, message: string): Promise<void> {
    if (kind === "hub") return this.#env.USER_HUB.getByName(id).recheck();
    const closing = { code: "UNAUTHENTICATED", message, closeCode: socketCloseCodes.unauthenticated };
    await this.#env.CONSOLE_STREAM.getByName(id).end(closing);
  }

  /** An object that can't say counts as one that holds its socket: the limit is kept. */
  async #isOpen({ id, kind }: Place): Promise<boolean> {
    const late = scheduler.wait(patienceMs).then(() => true);
    const object = kind === "hub" ? this.#env.USER_HUB.getByName(id) : this.#env.CONSOLE_STREAM.getByName(id);
    return Promise.race([Promise.resolve(object.isOpen()), late]).catch(() => true);
  }
}
