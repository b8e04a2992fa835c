/** Users, their logins and their personal access tokens, as the API takes and answers them. */
import * as z from "zod";
import { Grant, Permission, PermissionChange, Role } from "./permissions.ts";
import { PageQuery, Pagination, Plan, Quotas, User, UserStatus } from "./rest.ts";

/** A user name, in the alphabet of names that no reader mistakes for another. */
export const Username = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/,
    "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit",
  );

/** A new password; one that exists is only measured. */
export const NewPassword = z.string().min(8, "at least 8 characters").max(256);

export const Login = z.object({
  token: z.string(),
  expiresAt: z.iso.datetime(),
  refreshToken: z.string(),
  refreshExpiresAt: z.iso.datetime(),
  user: User,
});
export type Login = z.infer<typeof Login>;

export const RefreshRequest = z.strictObject({ refreshToken: z.string().min(1).max(256) });

/** Of the caller: who they are, and what they may do with the credential that they came with. */
export const Me = User.extend({ allowed: z.array(Permission) });
export type Me = z.infer<typeof Me>;

export const PasswordChange = z.strictObject({
  currentPassword: z.string().min(1).max(256),
  newPassword: NewPassword,
});

export const TokenCreate = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{C}]*$/u, "no control or formatting characters"),
  scopes: z.array(Grant).min(1).max(100),
  /** RFC 3339 in UTC; without it the token lives until it is revoked. */
  expiresAt: z.iso.datetime().optional(),
});

export const Token = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(Grant),
  expiresAt: z.iso.datetime().nullable(),
  /** To the minute. */
  lastUsedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type Token = z.infer<typeof Token>;

/** The only answer in which the token itself stands. */
export const TokenCreated = Token.extend({ token: z.string() });

export const TokenList = z.object({ tokens: z.array(Token), pagination: Pagination });

/** Opens one socket on `/ws`, for a page, which can't send headers with one. */
export const SocketTicket = z.object({ ticket: z.string(), url: z.string(), expiresAt: z.iso.datetime() });

const changes = z.array(PermissionChange).max(100);

export const UserCreate = z.strictObject({
  username: Username,
  email: z.email().max(254).nullable().optional(),
  password: NewPassword,
  role: Role.default("user"),
  permissions: changes.default([]),
  plan: Plan.default("free"),
  quotas: Quotas.optional(),
});
export type UserCreate = z.infer<typeof UserCreate>;

/** What is missing stays as it is. */
export const UserPatch = z.strictObject({
  username: Username.optional(),
  email: z.email().max(254).nullable().optional(),
  password: NewPassword.optional(),
  role: Role.optional(),
  permissions: changes.optional(),
  plan: Plan.optional(),
  quotas: Quotas.optional(),
  status: UserStatus.optional(),
});
export type UserPatch = z.infer<typeof UserPatch>;

/** The whole user; the password alone may be left out, and then stays. */
export const UserPut = UserCreate.extend({ password: NewPassword.optional(), status: UserStatus.default("active") });

export const UserListQuery = PageQuery.extend({ role: Role.optional(), status: UserStatus.optional() });

export const UserList = z.object({ users: z.array(User), pagination: Pagination });

export const PermissionList = z.object({
  permissions: z.array(z.object({ name: Permission, description: z.string() })),
});

export const RoleList = z.object({
  roles: z.array(
    z.object({
      name: Role,
      description: z.string(),
      /** Whose machines and operations it is shown. */
      sees: z.enum(["all", "own"]),
      grants: z.array(Grant),
      permissions: z.array(Permission),
    }),
  ),
});
