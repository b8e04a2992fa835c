/** The first administrator of an edge on this machine. */
import { adminHasDefaultPassword, defaultAdminPassword, ensureFirstAdmin } from "../../db/first-admin.ts";
import { UserError } from "../user-error.ts";

export interface Admin {
  /** The oldest account that may administer; null if there is none, or it is disabled. */
  readonly admin: { readonly id: string; readonly username: string } | null;
  readonly defaultPassword: boolean;
}

export interface AdminOptions {
  readonly adminPassword: string | undefined;
  readonly onLoopback: boolean;
  readonly bind: string | undefined;
}

/** Makes the administrator where there is no user yet. Away from loopback, everybody knows the default password. */
export async function prepareAdmin(db: D1Database, options: AdminOptions): Promise<Admin> {
  const { adminPassword, onLoopback, bind } = options;
  const password = adminPassword ?? (onLoopback ? defaultAdminPassword : undefined);
  if (!onLoopback && password === defaultAdminPassword) throw new UserError(refusal(bind));
  if (password !== undefined) await ensureFirstAdmin(db, { password });

  const admin = await findAdmin(db);
  if (!admin && !onLoopback) {
    throw new UserError(
      `VOIDVM_BIND=${bind} opens VoidVM to the network, and there is no administrator yet: ` +
        "set VOIDVM_ADMIN_PASSWORD to the password that the first one is to have.",
    );
  }
  const hasDefault = await adminHasDefaultPassword(db);
  if (hasDefault && !onLoopback) throw new UserError(refusal(bind));
  return { admin, defaultPassword: hasDefault };
}

function refusal(bind: string | undefined): string {
  return (
    `VOIDVM_BIND=${bind} opens VoidVM to the network, and the administrator has the default password ${defaultAdminPassword}: ` +
    "start without VOIDVM_BIND and change it with PUT /api/v1/auth/password, " +
    "or, before the first start, choose one in VOIDVM_ADMIN_PASSWORD."
  );
}

function findAdmin(db: D1Database): Promise<{ id: string; username: string } | null> {
  return db
    .prepare("SELECT id, username FROM users WHERE role = 'admin' AND disabled = 0 ORDER BY created_at, id LIMIT 1")
    .first<{ id: string; username: string }>();
}
