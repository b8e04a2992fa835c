/** What a host's object is made of. Everything that must survive lies in SQLite below these, nothing on the heap. */
import { CancelAnswers } from "./cancel-answers.ts";
import { Delivery } from "./delivery.ts";
import { HostAlarm } from "./host-alarm.ts";
import { HostSessionStore } from "./host-session.ts";
import { HostSockets } from "./host-sockets.ts";
import { Outbox } from "./outbox.ts";
import { Projector } from "./projector.ts";

export class HostParts {
  readonly db: D1Database;
  readonly outbox: Outbox;
  readonly session: HostSessionStore;
  readonly sockets: HostSockets;
  readonly projector: Projector;
  readonly delivery: Delivery;
  readonly alarm: HostAlarm;
  readonly cancelAnswers = new CancelAnswers();

  constructor(ctx: DurableObjectState, db: D1Database) {
    this.db = db;
    this.outbox = new Outbox(ctx.storage.sql);
    this.session = new HostSessionStore(ctx.storage.sql);
    this.sockets = new HostSockets(ctx, this.session);
    this.projector = new Projector(db, this.outbox);
    this.alarm = new HostAlarm(ctx.storage, this);
    this.delivery = new Delivery(this);
  }

  /** Brings D1 in line, or sets the alarm that tries it again. */
  async settle(): Promise<void> {
    const flushed = await this.projector.flush(this.session.current.hostId);
    await this.alarm.arm(flushed ? null : Date.now() + projectionRetryMs);
  }
}

const projectionRetryMs = 5_000;
