/** `/users`: accounts, for administrators. Nobody gives rights that they don't have, nor takes over who has more. */
import { type Context, Hono } from "hono";
import { hashPassword } from "../../db/passwords.ts";
import type { UserRow } from "../../db/schema.ts";
import {
  deleteUser,
  findUser,
  insertUser,
  listUsers,
  updateUser,
  type UserChange,
  type UserRefusal,
} from "../../db/users.ts";
import { UserCreate, UserListQuery, UserPatch, UserPut } from "../../protocol/accounts.ts";
import { allowedPermissions, isAllowed, type Rights, roles } from "../../protocol/permissions.ts";
import type { Quotas } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { assertMatches, okTagged } from "../etag.ts";
import { newId } from "../ids.ts";
import { changeUser } from "../user-changes.ts";
import { body, query } from "../validate.ts";
import { toPagination, toUser } from "../views.ts";

export const users = new Hono<AppEnv>()
  .get("/", query(UserListQuery), async (c) => {
    const { page, limit, ...filter } = c.req.valid("query");
    const { rows, total } = await listUsers(c.env.DB, { ...filter, page, limit });
    return ok(c, { users: rows.map(toUser), pagination: toPagination(page, limit, total) });
  })
  .post("/", body(UserCreate), async (c) => {
    const { password, quotas, email = null, ...wanted } = c.req.valid("json");
    assertCovers(c, wanted);
    const now = new Date().toISOString();
    const user = {
      ...wanted,
      ...toQuotaColumns(quotas ?? {}),
      id: newId("user"),
      email,
      passwordHash: await hashPassword(password),
      createdAt: now,
      updatedAt: now,
    };
    const row = await insertUser(c.env.DB, user, c.var.auditNote);
    if (!row) throw refusals["name-taken"](wanted.username);
    c.header("Location", `/api/v1/users/${row.id}`);
    return okTagged(c, toUser(row), 201);
  })
  .get("/:id", async (c) => okTagged(c, toUser(await requireUser(c, c.req.param("id")))))
  .put("/:id", body(UserPut), async (c) => {
    const { password, quotas, status, email = null, ...wanted } = c.req.valid("json");
    const all = { vms: null, cpu: null, memory: null, disk: null, snapshots: null };
    const values = { ...wanted, email, disabled: status === "disabled", ...toQuotaColumns({ ...all, ...quotas }) };
    return okTagged(c, toUser(await change(c, c.req.param("id"), values, password)));
  })
  .patch("/:id", body(UserPatch), async (c) => {
    const { password, quotas, status, ...wanted } = c.req.valid("json");
    const values = {
      ...wanted,
      ...(status === undefined ? {} : { disabled: status === "disabled" }),
      ...toQuotaColumns(quotas ?? {}),
    };
    return okTagged(c, toUser(await change(c, c.req.param("id"), values as UserChange, password)));
  })
  .delete("/:id", async (c) => {
    const id = c.req.param("id");
    const user = await requireUser(c, id);
    await assertMatches(c, toUser(user));
    assertCovers(c, user);
    const refusal = await changeUser(c, id, () => deleteUser(c.env.DB, id, c.var.auditNote));
    if (refusal) throw refusals[refusal](id);
    return c.body(null, 204);
  });

async function change(c: Context<AppEnv>, id: string, values: UserChange, password?: string): Promise<UserRow> {
  const before = await requireUser(c, id);
  await assertMatches(c, toUser(before));
  const { role = before.role, permissions = before.permissions } = values;
  assertCovers(c, before);
  assertCovers(c, { role, permissions });
  const passwordHash = password === undefined ? {} : { passwordHash: await hashPassword(password) };
  const endSessions = password !== undefined || values.disabled === true;
  const now = new Date().toISOString();
  const changed = await changeUser(c, id, () =>
    updateUser(c.env.DB, id, { ...values, ...passwordHash }, { now, endSessions }, c.var.auditNote),
  );
  if (typeof changed === "string") throw refusals[changed](changed === "name-taken" ? `${values.username}` : id);
  return changed;
}

async function requireUser(c: Context<AppEnv>, id: string): Promise<UserRow> {
  const user = await findUser(c.env.DB, id);
  if (!user) throw refusals.gone(id);
  return user;
}

/** A right to change users would otherwise be the right to everything. */
function assertCovers(c: Context<AppEnv>, rights: Pick<Rights, "role" | "permissions">): void {
  const { caller } = c.var;
  if (roles[rights.role].sees === "all" && roles[caller.role].sees !== "all") {
    throw new ApiError("FORBIDDEN", "Only an administrator may make or change an administrator");
  }
  const beyond = allowedPermissions({ ...rights, scopes: null }).find((permission) => !isAllowed(caller, permission));
  if (beyond) throw new ApiError("FORBIDDEN", `This user has or would get ${beyond}, which you don't have yourself`);
}

/** Only of what is there; null goes back to the plan's. */
function toQuotaColumns({ vms, cpu, memory, disk, snapshots }: Quotas) {
  return {
    ...(vms === undefined ? {} : { quotaVms: vms }),
    ...(cpu === undefined ? {} : { quotaCpu: cpu }),
    ...(memory === undefined ? {} : { quotaMemory: memory }),
    ...(disk === undefined ? {} : { quotaDisk: disk }),
    ...(snapshots === undefined ? {} : { quotaSnapshots: snapshots }),
  };
}

const refusals: Readonly<Record<UserRefusal, (what: string) => ApiError>> = {
  gone: (id) => new ApiError("USER_NOT_FOUND", `User with ID '${id.slice(0, 100)}' was not found`),
  "name-taken": (name) => new ApiError("NAME_TAKEN", `There is a user named '${name}' already`),
  "last-admin": (id) => new ApiError("LAST_ADMIN", `${id} is the last active administrator with every permission`),
  "has-vms": (id) => new ApiError("USER_HAS_VMS", `Delete the machines of ${id} first: see GET /api/v1/vms`),
};
