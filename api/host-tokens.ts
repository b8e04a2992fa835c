/** The token by which a host opens its link: an EdDSA JWT of a minute, signed by the host's own key. */
import { decodeJwt, errors, importJWK, jwtVerify } from "jose";
import type { HostKey } from "../db/hosts.ts";
import { linkLimits } from "../protocol/agent-link.ts";
import { ApiError } from "./errors.ts";

/** How far the clocks may be apart before the agent has to learn ours. */
const toleranceSeconds = 30;

/**
 * `audience`: each origin by which the edge is known.
 *
 * Errors: TOKEN_EXPIRED where only the time is wrong, so that an agent with a wrong clock knows to correct it;
 * UNAUTHENTICATED otherwise.
 */
export async function verifyHostToken(
  token: string,
  audience: string | string[],
  keyOf: (hostId: string) => Promise<HostKey | null>,
): Promise<{ hostId: string; tokenId: string; keySerial: number }> {
  const hostId = issuerOf(token);
  // Outside of the `try`: a database that fails must not look like a refusal.
  const found = await keyOf(hostId);
  if (found === null) throw new ApiError("UNAUTHENTICATED", "This host is not known here, or has not enrolled");
  try {
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: found.x }, "EdDSA");
    const { payload } = await jwtVerify(token, key, {
      ...{ algorithms: ["EdDSA"], typ: "voidvm-agent+jwt", issuer: hostId, audience, requiredClaims: ["exp", "jti"] },
      maxTokenAge: linkLimits.agentTokenSeconds,
      clockTolerance: toleranceSeconds,
    });
    return { hostId, tokenId: payload.jti ?? "", keySerial: found.serial };
  } catch (error) {
    const onlyLate =
      error instanceof errors.JWTExpired ||
      (error instanceof errors.JWTClaimValidationFailed && (error.claim === "iat" || error.claim === "nbf"));
    if (onlyLate) throw new ApiError("TOKEN_EXPIRED", "The token's time is not ours: see the Date of this answer");
    throw new ApiError("UNAUTHENTICATED", "The token does not come from a host that is known here");
  }
}

function issuerOf(token: string): string {
  try {
    return String(decodeJwt(token).iss);
  } catch {
    throw new ApiError("UNAUTHENTICATED", "The token is not a JWT");
  }
}
