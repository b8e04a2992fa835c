/**
 * Access tokens: JWTs signed with a secret of the edge's. Algorithm, issuer, audience and type are pinned, and only
 * keys of our own are known, so a token can't choose how it is verified.
 *
 * A token says who and in which session. What its bearer may do is never in it: that is as it is now.
 */
import { base64url, errors, jwtVerify, SignJWT } from "jose";
import * as z from "zod";
import { ApiError } from "./errors.ts";

const issuer = "voidvm";
const audience = "voidvm-api";
const type = "at+jwt";

/** Long, since what is revoked is refused at once all the same: docs/decisions/0006 tells why. */
export const accessTokenSeconds = 12 * 3600;
/** From one refresh to the next at most. */
export const refreshTokenSeconds = 30 * 86_400;

const Claims = z.object({ sub: z.string(), sid: z.string().optional(), exp: z.number() });

export interface AccessClaims {
  /** The user's id. */
  readonly sub: string;
  /** The session's id; without it the token is good until it expires or its user is disabled. */
  readonly sid?: string;
}

/** `keys` as in VOIDVM_JWT_KEYS. */
export async function signAccessToken(
  keys: string,
  { sub, sid }: AccessClaims,
  expiresInSeconds: number,
): Promise<string> {
  const [[kid, secret]] = parseKeys(keys) as [[string, Uint8Array]];
  return new SignJWT(sid === undefined ? {} : { sid })
    .setProtectedHeader({ alg: "HS256", typ: type, kid })
    .setSubject(sub)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${expiresInSeconds}s`)
    .sign(secret);
}

/** `exp` in seconds since 1970. Errors: TOKEN_EXPIRED for one that was good once, UNAUTHENTICATED for any other. */
export async function verifyAccessToken(keys: string, token: string): Promise<AccessClaims & { readonly exp: number }> {
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
    const { sub, sid, exp } = Claims.parse(payload);
    return { sub, exp, ...(sid === undefined ? {} : { sid }) };
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
