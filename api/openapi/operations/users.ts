import { PermissionList, RoleList, UserList } from "../../../protocol/accounts.ts";
import { User } from "../../../protocol/rest.ts";
import type { OperationDocs } from "../operation.ts";

const changeErrors = ["USER_NOT_FOUND", "NAME_TAKEN", "LAST_ADMIN", "UNAVAILABLE"] as const;

export const userDocs = {
  "GET /users": {
    id: "listUsers",
    tag: "Users",
    summary: "List users",
    answers: { 200: { description: "A page of them.", data: UserList } },
  },
  "POST /users": {
    id: "createUser",
    tag: "Users",
    summary: "Create a user",
    description: "Nobody gives rights that they don't have themselves.",
    answers: { 201: { description: "The user.", data: User, headers: ["Location", "ETag"] } },
    errors: ["NAME_TAKEN"],
    example: { username: "alice", email: "alice@example.org", password: "correct horse battery staple", role: "user" },
  },
  "GET /users/:id": {
    id: "getUser",
    tag: "Users",
    summary: "Read a user",
    answers: { 200: { description: "The user.", data: User, headers: ["ETag"] } },
    errors: ["USER_NOT_FOUND"],
  },
  "PUT /users/:id": {
    id: "replaceUser",
    tag: "Users",
    conditional: true,
    summary: "Replace a user",
    description: "What is left out goes back to its default; the password alone stays.",
    answers: { 200: { description: "The user as it is now.", data: User, headers: ["ETag"] } },
    errors: changeErrors,
    example: { username: "bob", role: "user", plan: "free" },
  },
  "PATCH /users/:id": {
    id: "updateUser",
    tag: "Users",
    conditional: true,
    summary: "Change a user",
    description: "What is left out stays. A new password, and `status: disabled`, end every session of the user.",
    answers: { 200: { description: "The user as it is now.", data: User, headers: ["ETag"] } },
    errors: changeErrors,
    example: { plan: "none", quotas: { vms: 20 } },
  },
  "DELETE /users/:id": {
    id: "deleteUser",
    tag: "Users",
    conditional: true,
    summary: "Delete a user",
    description: "Its machines have to be deleted first.",
    answers: { 204: { description: "It is gone." } },
    errors: ["USER_NOT_FOUND", "LAST_ADMIN", "USER_HAS_VMS", "UNAVAILABLE"],
  },
  "GET /permissions": {
    id: "listPermissions",
    tag: "Users",
    summary: "List what there is to be allowed",
    answers: { 200: { description: "Every permission.", data: PermissionList } },
  },
  "GET /roles": {
    id: "listRoles",
    tag: "Users",
    summary: "List roles and what they allow",
    answers: { 200: { description: "Every role.", data: RoleList } },
  },
} as const satisfies OperationDocs;
