/** The Worker: what Cloudflare and workerd load. */
import { app } from "./app.ts";
import type { Env } from "./env.ts";
import { sweep } from "./sweep.ts";

export { ConsoleStream } from "./objects/console-stream.ts";
export { HostLink } from "./objects/host-link.ts";
export { UserHub } from "./objects/user-hub.ts";
export { UserGate } from "./objects/user-gate.ts";

export default {
  fetch: app.fetch,
  async scheduled(_controller: ScheduledController, env: Env): Promise<void> {
    await sweep(env);
  },
} satisfies ExportedHandler<Env>;
