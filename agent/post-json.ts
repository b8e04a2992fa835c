/** One POST of JSON to the edge, through the proxy where there is one. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { json } from "node:stream/consumers";
import { describeFailure } from "./link-failure.ts";
import { proxyFor } from "./proxy.ts";

const timeoutMs = 30_000;

/** Errors: `Error` that says what is wrong with the way to it. */
export async function postJson(url: URL, body: unknown): Promise<{ status: number; body: unknown }> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: unknown }>();
  const call = request(
    url.href,
    {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": "en" },
      agent: proxyFor(url),
      signal: AbortSignal.timeout(timeoutMs),
    },
    (response) => {
      json(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
        () => reject(new Error(`${url.origin} answered ${response.statusCode} and no JSON: is it an edge?`)),
      );
    },
  );
  call.once("error", (error) => reject(new Error(`${url.origin} can't be reached: ${describeFailure(error)}`)));
  call.end(JSON.stringify(body));
  return promise;
}
