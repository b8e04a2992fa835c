/**
 * What a start calls of the Worker's own code, in Node. It is bundled like the Worker: module by module, drizzle alone
 * takes longer to load than the rest of a start.
 */
export { adminHasDefaultPassword, defaultAdminPassword, ensureFirstAdmin } from "../db/first-admin.ts";
export { findUserByName } from "../db/users.ts";
export { signAccessToken } from "../api/tokens.ts";
