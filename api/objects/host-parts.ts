/** What a host's object is made of. Everything that must survive lies in SQLite below these, nothing on the heap. */
import type { Env } from "../env.ts";
import { CancelAnswers } from "./cancel-answers.ts";
import { Delivery } from "./delivery.ts";
import { HostAlarm } from "./host-alarm.ts";
import { HostSessionStore } from "./host-session.ts";
import { HostSockets } from "./host-sockets.ts";
import { HostWatch } from "./host-watch.ts";
import { Outbox } from "./outbox.ts";
import { Projector } from "./projector.ts";

export class HostParts {
  readonly env: Env;
  readonly outbox: Outbox;
  readonly session: HostSessionStore;
  readonly sockets: HostSockets;
  readonly projector: Projector;
  readonly delivery: Delivery;
  readonly alarm: HostAlarm;
  readonly watch: HostWatch;
  readonly cancelAnswers = new CancelAnswers();

  constructor(ctx: DurableObjectState, env: Env) {
    this.env = env;
    this.watch = new HostWatch(ctx.storage.kv, env);
    this.outbox = new Outbox(ctx.storage.sql);
    this.session = new HostSessionStore(ctx.storage.sql);
    this.sockets = new HostSockets(ctx, this.session);
    this.projector = new Projector(env, this.outbox);
    this.alarm = new HostAlarm(ctx.storage, this);
    this.delivery = new Delivery(this);
  }

  /** Tells the host what is watched of it. */
  sendWatch(): void {
    const socket = this.sockets.current();
    const { synced, epoch } = this.session.current;
    if (!socket || !synced || !this.session.supports("samples")) return;
    this.sockets.send(socket, { type: "watch", epoch, order: this.watch.order() });
  }

  /** Brings D1 in line, or sets the alarm that tries it again. */
  async settle(): Promise<void> {
    const flushed = await this.projector.flush(this.session.current.hostId);
    await this.alarm.arm(flushed ? null : Date.now() + projectionRetryMs);
  }
}

const projectionRetryMs = 5_000;
