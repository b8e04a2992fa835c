/**
 * Access tokens: JWTs signed with a secret of the edge's. Algorithm, issuer, audience and type are pinned, and only
 * keys of our own are known, so a token can't choose how it is verified.
 */
import { base64url, errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { Role } from "../protocol/rest.ts";
import type { Caller } from "./env.ts";
import { ApiError } from "./errors.ts";

const issuer = "voidvm";
const audience = "voidvm-api";
const type = "at+jwt";

export const accessTokenSeconds = 12 * 3600;

const Claims = z.object({ sub: z.string(), name: z.string(), role: Role });

/** `keys` as in VOIDVM_JWT_KEYS. */
export async function signAccessToken(
  keys: string,
  claims: { readonly sub: string; readonly name: string; readonly role: Role },
  expiresInSeconds: number,
): Promise<string> {
  const [[kid, secret]] = parseKeys(keys) as [[string, Uint8Array]];
  return new SignJWT({ name: claims.name, role: claims.role })
    .setProtectedHeader({ alg: "HS256", typ: type, kid })
    .setSubject(claims.sub)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${expiresInSeconds}s`)
    .sign(secret);
}

/** Errors: TOKEN_EXPIRED for one that was good once, UNAUTHENTICATED for any other. */
export async function verifyAccessToken(keys: string, token: string): Promise<Caller> {
  const known = new Map(parseKeys(keys));
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const secret = known.get(kid ?? "");
        if (!secret) throw new errors.JWKSNoMatchingKey();
        return secret;
      },
      { algorithms: ["HS256"], issuer, audience, typ: type, requiredClaims: ["exp", "iat", "sub"] },
    );
    const { sub, name, role } = Claims.parse(payload);
    return { id: sub, name, role };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new ApiError("TOKEN_EXPIRED", "The token has expired: log in again");
    throw new ApiError("UNAUTHENTICATED", "The token is not valid here");
  }
}

function parseKeys(keys: string): [kid: string, secret: Uint8Array][] {
  const entries = keys.split(",").map((entry): [string, Uint8Array] => {
    const [kid = "", secret = ""] = entry.trim().split(":");
    return [kid, base64url.decode(secret)];
  });
  if (entries.some(([kid, secret]) => kid === "" || secret.length < 32)) {
    throw new Error("VOIDVM_JWT_KEYS must be kid:secret, with a secret of 32 bytes in base64url");
  }
  return entries;
}
