/** The first administrator of an edge on this machine. */
import { loadWorkerFunctions } from "../build.ts";
import { UserError } from "../user-error.ts";

export interface Admin {
  readonly id: string;
  readonly username: string;
}

export interface AdminOptions {
  readonly adminPassword: string | undefined;
  readonly onLoopback: boolean;
  readonly bind: string | undefined;
}

/**
 * Makes the administrator where there is no user yet. Away from loopback, everybody knows the default password.
 *
 * Errors: `UserError` where the edge must not listen as things are.
 */
export async function prepareAdmin(db: D1Database, options: AdminOptions): Promise<void> {
  const { adminHasDefaultPassword, defaultAdminPassword, ensureFirstAdmin } = await loadWorkerFunctions();
  const { adminPassword, onLoopback, bind } = options;
  const refusal =
    `VOIDVM_BIND=${bind} opens VoidVM to the network, and the administrator has the default password ` +
    `${defaultAdminPassword}: start without VOIDVM_BIND and change it with PUT /api/v1/auth/password, ` +
    "or, before the first start, choose one in VOIDVM_ADMIN_PASSWORD.";

  const password = adminPassword ?? (onLoopback ? defaultAdminPassword : undefined);
  if (!onLoopback && password === defaultAdminPassword) throw new UserError(refusal);
  if (password !== undefined) await ensureFirstAdmin(db, { password });

  if (onLoopback) return;
  if (!(await findAdmin(db))) {
    throw new UserError(
      `VOIDVM_BIND=${bind} opens VoidVM to the network, and there is no administrator yet: ` +
        "set VOIDVM_ADMIN_PASSWORD to the password that the first one is to have.",
    );
  }
  if (await adminHasDefaultPassword(db)) throw new UserError(refusal);
}

/** Whom to enrol this machine for, and whether the greeting may tell the password. */
export async function readAdmin(db: D1Database): Promise<{ admin: Admin | null; defaultPassword: boolean }> {
  const { adminHasDefaultPassword } = await loadWorkerFunctions();
  return { admin: await findAdmin(db), defaultPassword: await adminHasDefaultPassword(db) };
}

async function findAdmin(db: D1Database): Promise<Admin | null> {
  const { findUserByName } = await loadWorkerFunctions();
  const user = await findUserByName(db, "admin");
  return user?.role === "admin" ? { id: user.id, username: user.username } : null;
}
