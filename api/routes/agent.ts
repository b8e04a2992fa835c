/** `/agent`: where a host enrols and where its link is opened. Hosts prove themselves with their own keys. */
import { type Context, Hono } from "hono";
import { errors, importJWK, jwtVerify } from "jose";
import { enrolmentState, findHostKey, spendEnrolment } from "../../db/hosts.ts";
import { EnrolRequest } from "../../protocol/agent-link.ts";
import { streamTicketHeader } from "../../protocol/streams.ts";
import { currentConfig } from "../config.ts";
import { takenIn } from "../dials.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { isHub } from "../hubs.ts";
import { hashSecret } from "../ids.ts";
import { admitByAddress } from "../limits.ts";
import { ownOrigins } from "../public-origin.ts";
import { revoke } from "../revocations.ts";
import { upgraded } from "../offer-stream.ts";
import { body } from "../validate.ts";
import { verifyHostToken } from "../host-tokens.ts";

/** The answer to an enrolment may be lost; its own key may ask again for so long. */
const repeatableMs = 10 * 60_000;

/** A rack of new hosts stands behind one address, and so may a whole fleet that dials again after a power cut. */
const enrolmentsPerLogin = 10;
const dialsPerRequest = 20;

export const agent = new Hono<AppEnv>()
  .post("/enrol", body(EnrolRequest), async (c) => {
    const request = c.req.valid("json");
    const { limits } = await currentConfig(c);
    await admitByAddress(c, "enrol", enrolmentsPerLogin * limits.loginsPerMinute);
    const hash = await hashSecret(request.token);
    await assertHoldsKey(request, hash, ownOrigins(c));

    const now = Date.now();
    const iso = (time: number) => new Date(time).toISOString();
    const since = iso(now - repeatableMs);
    const host = await spendEnrolment(c.env.DB, hash, request.publicKey.x, iso(now), since, c.var.auditNote);
    if (!host) throw await refusal(c, hash);
    if (host.keySerial > 1) await revoke(c.env, { hostId: host.id, keySerial: host.keySerial });
    return ok(c, { hostId: host.id, name: host.name });
  })
  .get("/link", (c) => {
    assertAsksForSocket(c);
    return takenIn(async () => {
      const { hostId, tokenId, keySerial } = await verifiedHost(c);
      const headers = new Headers(c.req.raw.headers);
      headers.delete("Authorization");
      headers.set("X-VoidVM-Host", hostId);
      headers.set("X-VoidVM-Token-Id", tokenId);
      headers.set("X-VoidVM-Key-Serial", `${keySerial}`);
      return c.env.HOST_LINK.getByName(hostId).fetch(new Request(c.req.url, { headers }));
    });
  })
  .get("/stream", async (c) => {
    assertAsksForSocket(c);
    const { hostId } = await verifiedHost(c);
    const [name = "", secret = ""] = (c.req.header(streamTicketHeader) ?? "").split(".");
    const headers = { Upgrade: "websocket", [streamTicketHeader]: secret, "X-VoidVM-Host": hostId };
    const object = isHub(name) ? c.env.USER_HUB.getByName(name) : c.env.CONSOLE_STREAM.getByName(name);
    return upgraded(await object.fetch(c.req.url, { headers }));
  });

function assertAsksForSocket(c: Context<AppEnv>): void {
  if (c.req.header("Upgrade")?.toLowerCase() === "websocket") return;
  throw new ApiError("UPGRADE_REQUIRED", "An agent opens its WebSocket here");
}

/** Whose key has signed. Before any object is woken: a stranger must not be able to keep a fleet's objects awake. */
async function verifiedHost(c: Context<AppEnv>) {
  const { limits } = await currentConfig(c);
  await admitByAddress(c, "link", dialsPerRequest * limits.requestsPerMinute);
  const token = /^Bearer (\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? "";
  return verifyHostToken(token, ownOrigins(c), (id) => findHostKey(c.env.DB, id));
}

async function assertHoldsKey({ publicKey, proof }: EnrolRequest, hash: string, audience: string[]): Promise<void> {
  try {
    const key = await importJWK(publicKey, "EdDSA");
    const { payload } = await jwtVerify(proof, key, { algorithms: ["EdDSA"], audience, typ: "voidvm-enrol+jwt" });
    if (payload["tokenHash"] !== hash) throw new errors.JWTInvalid("The proof is for another token");
  } catch {
    throw new ApiError("UNAUTHENTICATED", "The proof does not show that the asker holds the key");
  }
}

async function refusal(c: Context<AppEnv>, hash: string): Promise<ApiError> {
  switch (await enrolmentState(c.env.DB, hash)) {
    case "spent":
      return new ApiError(
        "ENROLMENT_SPENT",
        "Another host has used this token: make a new one with POST /hosts/{id}/token",
      );
    case "expired":
      return new ApiError("ENROLMENT_EXPIRED", "A token lives 15 minutes: make a new one with POST /hosts/{id}/token");
    case "unknown":
      return new ApiError("UNAUTHENTICATED", "The enrolment token is not known");
  }
}
