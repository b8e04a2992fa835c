/**
 * The few Worker types that code shared with Node names. @cloudflare/workers-types as a whole redeclares
 * `fetch`, timers and more, and would hide Node's own.
 */
declare global {
  type D1Database = import("@cloudflare/workers-types").D1Database;
  type D1PreparedStatement = import("@cloudflare/workers-types").D1PreparedStatement;
}
export {};
