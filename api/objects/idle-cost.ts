/**
 * What a connected host costs on Cloudflare in a month in which nothing happens, from counted events. The prices are those of
 * developers.cloudflare.com/durable-objects/platform/pricing and of D1, beyond what is included, in dollars.
 */
export const prices = {
  /** Calls by RPC, alarms, and a twentieth of each message that comes in on a socket. */
  objectRequest: 0.15e-6,
  /** Of 128 MB while code runs; none while the object could hibernate. */
  gigabyteSecond: 12.5e-6,
  rowWritten: 1e-6,
  rowRead: 0.001e-6,
  incomingMessagesARequest: 20,
} as const;

const objectGigabytes = 0.128;
export const minutesAMonth = 30 * 24 * 60;

/** In one minute, of the object and of D1. `busyMs`: how long the object's code runs. */
export interface IdleMinute {
  readonly calls: number;
  /** Each is a request, and a row that is written to set it. */
  readonly alarms: number;
  /** That wake the object. A ping that the runtime answers does not, and is free. */
  readonly messages: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly busyMs: number;
}

/** The sweep's one look, which sends nothing, writes nothing and sets no alarm. */
export const idleMinute: IdleMinute = { calls: 1, alarms: 0, messages: 0, rowsWritten: 0, rowsRead: 20, busyMs: 10 };

export function idleCost(minute: IdleMinute = idleMinute) {
  const requests = minute.calls + minute.alarms + minute.messages / prices.incomingMessagesARequest;
  const parts = {
    requests: requests * prices.objectRequest,
    rows: (minute.rowsWritten + minute.alarms) * prices.rowWritten + minute.rowsRead * prices.rowRead,
    duration: (minute.busyMs / 1000) * objectGigabytes * prices.gigabyteSecond,
  };
  return { ...parts, dollars: (parts.requests + parts.rows + parts.duration) * minutesAMonth };
}
