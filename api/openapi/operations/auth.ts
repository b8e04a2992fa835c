import * as z from "zod";
import { Login, Me, SocketTicket, TokenCreated, TokenList } from "../../../protocol/accounts.ts";
import type { OperationDocs } from "../operation.ts";

const tokensBeside = z.object({ token: z.string() });

export const authDocs = {
  "POST /auth/login": {
    id: "login",
    tag: "Authentication",
    summary: "Log in",
    description: "A wrong password, an unknown and a disabled user get the same answer in the same time.",
    answers: { 200: { description: "The token stands at the top level too.", data: Login, beside: tokensBeside } },
    errors: ["INVALID_CREDENTIALS", "DEFAULT_PASSWORD_REFUSED"],
    example: { username: "admin", password: "admin123" },
  },
  "POST /auth/refresh": {
    id: "refreshTokens",
    tag: "Authentication",
    summary: "Exchange a refresh token for new tokens",
    description: "A refresh token is good once. One that comes a second time ends its session, for whoever holds it.",
    answers: { 200: { description: "A new pair.", data: Login, beside: tokensBeside } },
    errors: ["UNAUTHENTICATED", "UNAVAILABLE"],
  },
  "POST /auth/logout": {
    id: "logout",
    tag: "Authentication",
    summary: "End one's session",
    description: "Its tokens are refused from the next request on.",
    answers: { 204: { description: "It has ended." } },
    errors: ["INVALID_REQUEST_PARAMS", "UNAVAILABLE"],
  },
  "GET /auth/me": {
    id: "getMe",
    tag: "Authentication",
    summary: "Read one's own account",
    answers: { 200: { description: "The account, and what this credential may do.", data: Me } },
  },
  "PUT /auth/password": {
    id: "changePassword",
    tag: "Authentication",
    summary: "Change one's own password",
    description: "Ends every other session of one's own.",
    answers: { 204: { description: "It is changed." } },
    errors: ["WRONG_PASSWORD", "UNAVAILABLE"],
    example: { currentPassword: "admin123", newPassword: "correct horse battery staple" },
  },
  "POST /auth/ws-ticket": {
    id: "createSocketTicket",
    tag: "Authentication",
    summary: "Make a ticket for a WebSocket",
    description: "For pages, which can't send headers with one. It opens one connection, within 30 seconds.",
    answers: { 201: { description: "The ticket, and the address that it opens.", data: SocketTicket } },
  },
  "GET /auth/tokens": {
    id: "listTokens",
    tag: "Authentication",
    summary: "List one's personal access tokens",
    answers: { 200: { description: "A page of them, without the secrets.", data: TokenList } },
  },
  "POST /auth/tokens": {
    id: "createToken",
    tag: "Authentication",
    summary: "Make a personal access token",
    description: "For a program. It reaches no further than its scopes, and never further than its user.",
    answers: {
      201: { description: "The token. It is not shown again.", data: TokenCreated, headers: ["Location"] },
    },
    errors: ["NAME_TAKEN", "QUOTA_EXCEEDED", "UNAVAILABLE"],
    example: { name: "ci", scopes: ["vm:read", "vm:start", "operation:read"] },
  },
  "DELETE /auth/tokens/:id": {
    id: "deleteToken",
    tag: "Authentication",
    summary: "Revoke a personal access token",
    answers: { 204: { description: "It is refused from now on." } },
    errors: ["TOKEN_NOT_FOUND", "UNAVAILABLE"],
  },
} as const satisfies OperationDocs;
