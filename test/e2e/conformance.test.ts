/**
 * Walks the OpenAPI document: every operation gets input made from its own schemas, right and wrong, and whatever it
 * answers must be as documented. VOIDVM_SEED repeats a run.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { app } from "../../api/app.ts";
import { openApiDocument } from "../../api/openapi/document.ts";
import { projectVersion } from "../../scripts/project.ts";
import { OpenApi, type Operation } from "./conformance/document.ts";
import { FromSchema, hostileTexts, type JsonSchema } from "./conformance/from-schema.ts";
import { type Answer, Site } from "./conformance/site.ts";

const seed = Number(process.env["VOIDVM_SEED"] ?? 20_261_124);
console.log(`Conformance: VOIDVM_SEED=${seed}`);

const api = new OpenApi(JSON.parse(JSON.stringify(openApiDocument(app.routes, projectVersion))));
const from = new FromSchema((reference) => api.resolve(reference) as JsonSchema);

/**
 * They take a password, a token or a key that can't be made from a schema, become a WebSocket, or need a host that is
 * there and a machine that runs.
 */
const neverSucceed = [
  ...["login", "refreshTokens", "logout", "changePassword", "enrolHost"],
  ...["openAgentLink", "openAgentStream", "openTunnel", "openStream"],
  ...["getVncConsole", "getSerialConsole", "getTunnelTicket", "upgradeHost", "releaseHost"],
];
/** Each hashes a password, which takes a fifth of a second by design. */
const isSlow = ({ operationId }: Operation) => /^(login|changePassword|(create|replace|update)User)$/.test(operationId);
/** What it sets holds for all that comes after it. */
const operations = api.operations.toSorted(
  (a, b) => Number(a.operationId === "updateConfig") - Number(b.operationId === "updateConfig"),
);

let site: Site;
const targets = new Map<Operation, Promise<string[]>>();
beforeAll(async () => {
  site = await Site.start();
});
afterAll(() => site.stop());

describe.each(operations)("$method $path", (operation) => {
  const path = pathOf(operation);
  const { schema: body, example } = operation.requestBody?.content["application/json"] ?? {};
  const query = operation.parameters.filter((parameter) => parameter.in === "query");
  const querySchema: JsonSchema = {
    type: "object",
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
    required: query.filter(({ required }) => required).map(({ name }) => name),
  };

  // What does not apply to an operation is no test of it.
  if (operation.parameters.some(({ name }) => name === "If-Match"))
    it("changes nothing that has changed since", async () => {
      const [id = ""] = await targetsOf(operation);
      const content = example ?? (body ? fc.sample(from.valid(body), { seed, numRuns: 1 })[0] : undefined);
      const text = content === undefined ? undefined : JSON.stringify(content);
      const header = { "If-Match": '"of another time"' };
      const answer = await site.send(operation.method, addressOf(operation, id), text, header);
      expect(faults(operation, answer)).toEqual([]);
      expect(answer.status).toBe(412);
    });

  it("answers right input as documented", async () => {
    const ids = await targetsOf(operation);
    let succeeded = 0;
    const judge = (answer: Answer) => {
      succeeded += Number(answer.status < 300);
      return faults(operation, answer);
    };
    // Each of them once, so that the one that is in the right state is among them.
    for (const id of ids.length > 0 ? ids : [""]) {
      const sent = example ?? (body ? fc.sample(from.valid(body), { seed, numRuns: 1 })[0] : undefined);
      expect(judge(await send(operation, addressOf(operation, id), {}, sent))).toEqual([]);
    }
    const content = body ? from.valid(body) : fc.constant(undefined);
    const input = fc.tuple(
      path(ids),
      from.valid(querySchema),
      example ? fc.oneof(content, fc.constant(example)) : content,
    );
    await fc.assert(
      fc.asyncProperty(input, async ([address, search, sent]) => {
        expect(judge(await send(operation, address, search as object, sent))).toEqual([]);
      }),
      { seed, numRuns: isSlow(operation) ? 2 : 10 },
    );
    expect(succeeded > 0 || neverSucceed.includes(operation.operationId)).toBe(true);
  });

  if (body)
    it("refuses a body that is wrong in one place", async () => {
      const ids = await targetsOf(operation);
      await fc.assert(
        fc.asyncProperty(path(ids), from.invalid(body as JsonSchema), async (address, content) => {
          expect(refusalFaults(operation, await send(operation, address, {}, content))).toEqual([]);
        }),
        { seed, numRuns: 15 },
      );
    });

  if (body)
    it("refuses a body that is no JSON", async () => {
      const [address] = fc.sample(path(await targetsOf(operation)), { seed, numRuns: 1 });
      for (const text of ["{", "{}x", '{"a":', "\u0000", "[".repeat(10_000), `{"__proto__":{"role":"admin"}}`]) {
        const answer = await site.send(operation.method, address as string, text);
        expect(refusalFaults(operation, answer)).toEqual([]);
      }
    });

  if (query.length > 0)
    it("refuses a query that is wrong in one place", async () => {
      const [address] = fc.sample(path(await targetsOf(operation)), { seed, numRuns: 1 });
      const wrongs = [
        { colour: "red" },
        ...query.flatMap(({ name, schema }) => wrongTexts(schema).map((value) => ({ [name]: value }))),
      ];
      for (const wrong of wrongs) {
        expect(refusalFaults(operation, await send(operation, address as string, wrong, undefined))).toEqual([]);
      }
    });
});

it("nothing of it was an error that the Worker did not expect", () => {
  expect(site.errors).toEqual([]);
});

/** Made once for all tests of an operation. */
function targetsOf(operation: Operation): Promise<string[]> {
  const made = targets.get(operation) ?? site.targets(operation);
  targets.set(operation, made);
  return made;
}

function send({ method }: Operation, path: string, query: object, content: unknown): Promise<Answer> {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
  const search = pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : "";
  return site.send(method, `${path}${search}`, content === undefined ? undefined : JSON.stringify(content));
}

/** Where an answer is not as documented. */
function faults(operation: Operation, { status, headers, body }: Answer): string[] {
  return [
    ...(status === 500 ? ["a 500"] : []),
    ...(headers.has("X-Request-Id") ? [] : ["no X-Request-Id"]),
    ...api.faults(operation, status, headers.get("Content-Type") ?? "", body),
    ...api.untoldHeaders(operation, status, headers),
  ];
}

function refusalFaults(operation: Operation, answer: Answer): string[] {
  const { error } = (answer.body ?? {}) as { error?: { code: string } };
  // What sets the limits may just have set one of a few requests.
  const isLimited = operation.operationId === "updateConfig" && answer.status === 429;
  const isRefused = isLimited || (answer.status === 400 && error?.code === "INVALID_REQUEST_PARAMS");
  return [...faults(operation, answer), ...(isRefused ? [] : [`not refused: ${answer.status} ${error?.code}`])];
}

/** The operation's path with ids that there are, ids that there aren't, and what no id may be. */
function pathOf({ path }: Operation): (targets: readonly string[]) => fc.Arbitrary<string> {
  return (targets) => {
    if (!path.includes("{")) return fc.constant(path);
    const known = fc.constantFrom(...targets);
    const hostile = fc.constantFrom(
      "none",
      "vm-0",
      ...hostileTexts.filter((text) => text !== "" && text.isWellFormed()),
    );
    const id =
      targets.length === 0 ? hostile : fc.oneof({ weight: 5, arbitrary: known }, { weight: 1, arbitrary: hostile });
    return id.map((value) => addressOf({ path }, value));
  };
}

function addressOf({ path }: Pick<Operation, "path">, id: string): string {
  return path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(id));
}

function wrongTexts({ type, enum: choices, maxLength, minimum, maximum, pattern }: JsonSchema): string[] {
  return [
    ...(type === "integer" ? ["x", "1.5", "1e308", "NaN"] : []),
    ...(minimum === undefined ? [] : [`${minimum - 1}`]),
    ...(maximum === undefined ? [] : [`${maximum + 1}`]),
    ...(choices || pattern !== undefined ? ["nothing of these"] : []),
    ...(maxLength === undefined ? [] : ["x".repeat(maxLength + 1)]),
  ];
}
