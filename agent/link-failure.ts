/** Why there is no connection, in words that say what to look at. */
import type { IncomingMessage } from "node:http";
import * as z from "zod";

const certificate = "its certificate is not one that this host trusts";

const meanings: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known to DNS",
  EAI_AGAIN: "DNS does not answer",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to its network",
  ETIMEDOUT: "it does not answer",
  CERT_HAS_EXPIRED: "its certificate has expired, or this host's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or this host's clock is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: `${certificate} (NODE_EXTRA_CA_CERTS adds an authority)`,
  SELF_SIGNED_CERT_IN_CHAIN: `${certificate} (NODE_EXTRA_CA_CERTS adds an authority)`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `${certificate} (NODE_EXTRA_CA_CERTS adds an authority)`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `${certificate} (NODE_EXTRA_CA_CERTS adds an authority)`,
};

export function describeFailure(error: Error): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  // A name with several addresses fails with one error for all of them, whose message is empty.
  const words = error.message || (error as AggregateError).errors?.map(({ message }: Error) => message).join("; ");
  const meaning = meanings[code];
  return meaning ? `${meaning} (${words || code})` : words || code || "no connection";
}

const ErrorAnswer = z.object({ error: z.object({ code: z.string(), message: z.string(), details: z.string() }) });
const maxAnswerBytes = 4_096;

/** What a refusal of the edge says; null where a proxy or something else has answered. */
export async function readRefusal(response: IncomingMessage): Promise<{ code: string; words: string } | null> {
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > maxAnswerBytes) break;
    }
    const { code, message, details } = ErrorAnswer.parse(JSON.parse(text)).error;
    return { code, words: `${message}: ${details}` };
  } catch {
    return null;
  }
}

/** In ms; undefined where the answer doesn't say it in seconds. */
export function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = headers["retry-after"];
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
