/**
 * `Idempotency-Key`: the same request again gets the first answer, and does its work once.
 *
 * Keys are a user's own and live in the user's object for 24 hours, so D1 is not asked. An answer is kept sealed with
 * a key made from the client's and the edge's: a token that is shown once can be shown again to the one who asks
 * again, and to nobody who reads the storage. Failures that may pass (5xx, 429) are not kept.
 */
import { createMiddleware } from "hono/factory";
import { dropAudit } from "./audit.ts";
import type { AppEnv, Caller } from "./env.ts";
import { ApiError } from "./errors.ts";
import { newId } from "./ids.ts";
import { userGate } from "./limits.ts";

const keptHeaders = ["Content-Type", "Location", "ETag", "Preference-Applied"];

/** For what comes after authentication. Requests without a key, and other methods than POST, pass untouched. */
export const idempotency = createMiddleware<AppEnv>(async (c, next) => {
  const key = c.req.header("Idempotency-Key");
  // Who has not shown who they are has no keys: a login makes nothing that must be made once.
  const caller = c.get("caller") as Caller | undefined;
  if (key === undefined || c.req.method !== "POST" || !caller) return next();
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new ApiError("INVALID_REQUEST_PARAMS", "Idempotency-Key must be 1 to 255 printable ASCII characters");
  }
  const seal = await Seal.of(key, c.env.VOIDVM_JWT_KEYS);
  const { pathname, search } = new URL(c.req.url);
  const request = [c.req.method, pathname + search, await c.req.text()].join("\n");
  const gate = c.env.USER_GATE.getByName(userGate(caller.id));
  const claim = { key: seal.name, fingerprint: await seal.fingerprint(request), operationId: newId("op") };
  const result = await gate.claim(claim);
  switch (result.state) {
    case "mismatch":
      throw new ApiError("IDEMPOTENCY_MISMATCH", "This Idempotency-Key came with another request before");
    case "running":
      throw new ApiError("IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key has no answer yet", {
        retryAfter: 1,
      });
    case "done":
      dropAudit(c);
      c.res = await seal.open(result.answer.status, result.answer.sealed);
      c.header("Idempotent-Replayed", "true");
      return;
    case "begin":
      c.set("claim", result);
  }
  // A client that hangs up must find its answer when it comes again, so the work goes on without it.
  const work = next().then(async () => {
    const { status } = c.res;
    if (status >= 500 || status === 429) await gate.releaseClaim(seal.name);
    else await gate.keepAnswer(seal.name, { status, sealed: await seal.close(c.res.clone()) });
  });
  c.executionCtx.waitUntil(work.catch(() => {}));
  await work;
});

/** What is made from the client's key and the edge's: the key's name in the storage, and the keys that hide the rest. */
class Seal {
  readonly name: string;
  readonly #mac: CryptoKey;
  readonly #cipher: CryptoKey;

  private constructor(name: string, mac: CryptoKey, cipher: CryptoKey) {
    this.name = name;
    this.#mac = mac;
    this.#cipher = cipher;
  }

  static async of(key: string, edgeKeys: string): Promise<Seal> {
    const material = await crypto.subtle.importKey("raw", bytes(key), "HKDF", false, ["deriveBits"]);
    const derive = (info: string) =>
      crypto.subtle.deriveBits(
        { name: "HKDF", hash: "SHA-256", salt: bytes(`voidvm-idempotency ${edgeKeys}`), info: bytes(info) },
        material,
        256,
      );
    const [name, mac, cipher] = await Promise.all([derive("name"), derive("mac"), derive("cipher")]);
    return new Seal(
      new Uint8Array(name).toHex(),
      await crypto.subtle.importKey("raw", mac, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
      await crypto.subtle.importKey("raw", cipher, "AES-GCM", false, ["encrypt", "decrypt"]),
    );
  }

  async fingerprint(request: string): Promise<string> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.#mac, bytes(request))).toHex();
  }

  async close(answer: Response): Promise<ArrayBuffer> {
    const headers = keptHeaders.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const text = bytes(JSON.stringify({ headers, body: await answer.text() }));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#cipher, text);
    return new Blob([iv, sealed]).arrayBuffer();
  }

  async open(status: number, sealed: ArrayBuffer): Promise<Response> {
    const [iv, text] = [sealed.slice(0, 12), sealed.slice(12)];
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.#cipher, text);
    const { headers, body } = JSON.parse(new TextDecoder().decode(plain)) as {
      headers: [string, string][];
      body: string;
    };
    return new Response(body === "" ? null : body, { status, headers });
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
