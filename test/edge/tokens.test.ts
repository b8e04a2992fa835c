/** Logging in, and which tokens are taken for ours. */
import { SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { signAccessToken } from "../../api/tokens.ts";
import { Client, jwtKeys } from "./client.ts";

const nobody = new Client(null);
let user: Client;
beforeAll(async () => {
  await nobody.post("/auth/login", { username: "admin", password: "admin123" });
  user = await Client.as("user", "none");
});

describe("logging in", () => {
  it("answers the token at the top level, where the documentation's first example reads it", async () => {
    const { status, body } = await nobody.post("/auth/login", { username: "admin", password: "admin123" });
    expect(status).toBe(200);
    expect(body.token).toBe(body.data.token);
    expect(body.data.user).toMatchObject({ username: "admin", role: "admin", plan: "none" });
    expect(JSON.stringify(body)).not.toContain("scrypt");

    const me = await new Client(body.token).get("/auth/me");
    expect(me.body.data).toMatchObject(body.data.user);
  });

  it.each([
    ["a wrong password", { username: "admin", password: "wrong" }],
    ["a name that nobody has", { username: "nobody", password: "admin123" }],
  ])("with %s is refused in the same words", async (_what, credentials) => {
    const { status, body } = await nobody.post("/auth/login", credentials);
    expect(status).toBe(401);
    expect(body.error).toEqual({
      code: "INVALID_CREDENTIALS",
      message: "Wrong user name or password",
      details: "Wrong user name or password",
    });
  });

  it("with a password of a megabyte is refused before anything is hashed", async () => {
    const { status, body } = await nobody.post("/auth/login", { username: "admin", password: "x".repeat(1_000_000) });
    expect(status).toBe(400);
    expect(body.error.fields).toMatchObject([{ path: "password" }]);
  });
});

describe("a token", () => {
  const secret = new TextEncoder().encode("another secret of thirty-two byte");
  const claims = { iss: "voidvm", aud: "voidvm-api" };
  const own = (): Uint8Array => new Uint8Array(32);
  const jwt = (header: object, more: object = {}) =>
    new SignJWT({ ...claims, sub: user.id, ...more })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "test", ...header })
      .setIssuedAt()
      .setExpirationTime("1h");
  const unsigned = (header: object) =>
    `${[header, { ...claims, exp: 9_999_999_999 }].map((part) => btoa(JSON.stringify(part)).replaceAll("=", "")).join(".")}.`;

  it.each([
    ["none at all", async () => ""],
    ["words", async () => "not-a-token"],
    ["alg none", async () => unsigned({ alg: "none", typ: "at+jwt", kid: "test" })],
    ["a foreign key's signature", () => jwt({}).sign(secret)],
    ["a foreign kid", () => jwt({ kid: "other" }).sign(own())],
    ["another audience", () => jwt({}, { aud: "elsewhere" }).sign(own())],
    ["another issuer", () => jwt({}, { iss: "elsewhere" }).sign(own())],
    ["another type", () => jwt({ typ: "JWT" }).sign(own())],
    ["of a user that there isn't", () => jwt({}, { sub: "user-1" }).sign(own())],
    [
      "a critical header",
      () =>
        jwt({ crit: ["exp"] })
          .sign(own())
          .catch(() => "x.y.z"),
    ],
  ])("that is %s is not accepted", async (_what, make) => {
    const { status, body } = await new Client(await make()).get("/vms");
    expect(status).toBe(401);
    expect(body.error.code).toBe("UNAUTHENTICATED");
  });

  it("of ours is accepted, and says so when it has expired", async () => {
    const good = await signAccessToken(jwtKeys, { sub: user.id }, 60);
    expect((await new Client(good).get("/vms")).status).toBe(200);
    const late = await signAccessToken(jwtKeys, { sub: user.id }, -60);
    const { status, body } = await new Client(late).get("/vms");
    expect(status).toBe(401);
    expect(body.error.code).toBe("TOKEN_EXPIRED");
  });

  it("signed with an older key is accepted while the key is listed", async () => {
    const old = await signAccessToken(jwtKeys, { sub: "user-1" }, 60);
    const rotated = `new:${"B".repeat(43)},${jwtKeys}`;
    const { verifyAccessToken } = await import("../../api/tokens.ts");
    expect(await verifyAccessToken(rotated, old)).toMatchObject({ sub: "user-1" });
    await expect(verifyAccessToken(`new:${"B".repeat(43)}`, old)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});
