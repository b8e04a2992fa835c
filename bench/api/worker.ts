/**
 * The Worker as it is, with a D1 that counts its calls, and with the two routes that the others are measured against:
 * one that does nothing, and one that makes a single call of D1.
 */
import api, { HostLink as RealHostLink, UserGate as RealUserGate, UserHub as RealUserHub } from "../../api/index.ts";
import type { Env } from "../../api/env.ts";

let calls = 0;

export class HostLink extends RealHostLink {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, DB: counted(env.DB) });
  }
}

export class UserGate extends RealUserGate {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, DB: counted(env.DB) });
  }
}

export class UserHub extends RealUserHub {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, DB: counted(env.DB) });
  }
}

export { ConsoleStream } from "../../api/index.ts";

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/bench/hello":
        return new Response("hello");
      case "/bench/one-call":
        return Response.json(await env.DB.prepare("SELECT * FROM users LIMIT 1").first());
      case "/bench/d1-calls":
        return Response.json({ calls });
      default:
        return api.fetch(request, { ...env, DB: counted(env.DB) }, context);
    }
  },
  scheduled: (controller: ScheduledController, env: Env) => api.scheduled(controller, { ...env, DB: counted(env.DB) }),
};

/** Objects live in the Worker's own isolate here, so one counter sees all calls. */
function counted(db: D1Database): D1Database {
  const real = new WeakMap<object, D1PreparedStatement>();
  const statement = (inner: D1PreparedStatement): D1PreparedStatement => {
    const outer = new Proxy(inner, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...args: unknown[]) => unknown;
        if (name === "bind") return (...args: unknown[]) => statement(method(...args) as D1PreparedStatement);
        return (...args: unknown[]) => {
          calls++;
          return method(...args);
        };
      },
    });
    real.set(outer, inner);
    return outer;
  };
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (query: string) => statement(target.prepare(query));
      if (name === "batch") {
        return (statements: D1PreparedStatement[]) => {
          calls++;
          return target.batch(statements.map((outer) => real.get(outer) ?? outer));
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
