/** What is said of a route beside its schemas, which are read off the route itself, and its rights, which access.ts has. */
import type * as z from "zod";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { RouteKey } from "../access.ts";
import type { HeaderName } from "./headers.ts";

export const tags = {
  Authentication: "Logging in, sessions, and tokens for programs.",
  Users: "Accounts, roles and permissions.",
  "Virtual machines": "Create machines and act on them. Slow work answers at once, with the operation that does it.",
  Consoles: "Screens, serial consoles and network ports of machines, over WebSockets.",
  Operations: "What was asked for and how it went. Wait here in place of polling.",
  Events:
    "What happened, in order. The WebSocket `/ws` tells it as it happens: it takes messages as in the schema `ClientMessage`, and sends those of `ServerMessage`.",
  Images: "What machines are made from.",
  Hosts: "The machines that machines run on.",
  System: "What this installation is, has and did, and how it is set.",
  Agents: "For the program on a host. Clients need none of it.",
} as const;

export interface Answer {
  readonly description: string;
  /** What the envelope holds as `data`. */
  readonly data?: z.ZodType;
  /** What stands in the envelope beside `data`. */
  readonly beside?: z.ZodObject;
  /** An answer without the envelope: its media type. */
  readonly media?: string;
  readonly headers?: readonly HeaderName[];
}

export interface OperationDoc {
  readonly id: string;
  readonly tag: keyof typeof tags;
  readonly summary: string;
  readonly description?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beside those that every route of its kind has. */
  readonly errors?: readonly ErrorCode[];
  /** A body that works. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** Takes `Prefer: wait=N`. */
  readonly waits?: boolean;
  /** Takes `If-Match`. */
  readonly conditional?: boolean;
}

export type OperationDocs = Partial<Record<RouteKey, OperationDoc>>;
