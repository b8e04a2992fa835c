/**
 * `npm run bench:api`: requests a second and latency of the API, beside what the runtime does at most.
 *
 * Everything runs on this machine and shares its cores, autocannon among them, so single figures are worth little and
 * the ratios within one run are what counts. VOIDVM_BENCH_SECONDS sets how long each measurement takes.
 */
import { createServer } from "node:net";
import { cpus } from "node:os";
import autocannon from "autocannon";
import { machine, Site } from "./api/site.ts";

interface Scenario {
  readonly name: string;
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly token?: string;
  readonly body?: () => object;
  /** The status that its answers have. */
  readonly status?: number;
  /** Seconds in place of the usual. */
  readonly seconds?: number;
}

interface Measured {
  readonly scenario: Scenario;
  readonly connections: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly d1Calls: number;
}

const seconds = Number(process.env["VOIDVM_BENCH_SECONDS"] ?? 4);
const samples = 10;
let made = 0;

async function main(): Promise<void> {
  const site = await Site.start(await freePort());
  try {
    const [few, many] = [await site.ownerOf(100), await site.ownerOf(10_000)];
    const credentials = { username: "admin", password: "admin123" };
    const list = "/api/v1/vms?limit=50";
    const scenarios: Scenario[] = [
      { name: "hello (ceiling)", path: "/bench/hello" },
      { name: "one D1 call (ceiling)", path: "/bench/one-call" },
      { name: "login", method: "POST", path: "/api/v1/auth/login", body: () => credentials },
      { name: "read one", path: `/api/v1/vms/${many.vmId}`, token: many.token },
      { name: "list 50 of 100", path: list, token: few.token },
      { name: "list 50 of 10,000", path: list, token: many.token },
      {
        name: "create",
        method: "POST",
        path: "/api/v1/vms",
        token: site.admin,
        body: () => machine(`m-${++made}`),
        status: 201,
      },
    ];
    console.log(`${cpus().length} cores, ${seconds} s each, ${new Date().toISOString()}\n`);
    const measured: Measured[] = [];
    for (const scenario of scenarios) {
      for (const connections of [1, 32]) measured.push(await measure(site, scenario, connections));
      console.log(
        new Date().toISOString(),
        scenario.name,
        measured.slice(-2).map((m) => [m.perSecond, m.p50, m.d1Calls]),
      );
    }
    // The last, since it holds for all that comes after it.
    await site.limitTo(1);
    await site.call("GET", list, undefined, few.token).catch(() => {});
    const refused: Scenario = { name: "refused (429)", path: list, token: few.token, status: 429 };
    for (const connections of [1, 32]) measured.push(await measure(site, refused, connections));
    print(measured);
  } finally {
    await site.stop();
  }
}

async function measure(site: Site, scenario: Scenario, connections: number): Promise<Measured> {
  const { method = "GET", path, token, body, status = 200 } = scenario;
  const headers = {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(body ? { "Content-Type": "application/json" } : {}),
  };
  const once = () =>
    fetch(`${site.origin}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body()) } : {}) });
  for (let left = samples; left > 0; left--) await (await once()).arrayBuffer();
  await settled(site);
  const before = await site.d1Calls();
  for (let left = samples; left > 0; left--) {
    const response = await once();
    if (response.status !== status) throw new Error(`${scenario.name}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
  const d1Calls = ((await settled(site)) - before) / samples;

  const result = await autocannon({
    url: `${site.origin}${path}`,
    connections,
    duration: seconds,
    method,
    headers,
    ...(body
      ? { requests: [{ setupRequest: (request: object) => ({ ...request, body: JSON.stringify(body()) }) }] }
      : {}),
  });
  const wrong =
    result.errors +
    Object.entries(result.statusCodeStats ?? {}).reduce(
      (sum, [code, { count }]) => sum + (Number(code) === status ? 0 : (count ?? 0)),
      0,
    );
  if (wrong > 0) console.log(`${scenario.name} with ${connections}: ${wrong} answers were not ${status}`);
  await settled(site);
  return {
    ...{ scenario, connections, d1Calls },
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}

/** What requests leave behind, such as a creation's way through its host, is over: no call of D1 for half a second. */
async function settled(site: Site): Promise<number> {
  for (let calls = await site.d1Calls(); ;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await site.d1Calls();
    if (now === calls) return now;
    calls = now;
  }
}

function print(measured: readonly Measured[]): void {
  const of = (name: string, connections: number) =>
    measured.find((entry) => entry.scenario.name.startsWith(name) && entry.connections === connections)?.perSecond ?? 0;
  const rows = measured.map(({ scenario, connections, perSecond, p50, p99, d1Calls }) => [
    scenario.name,
    `${connections}`,
    perSecond.toFixed(0),
    `${p50}`,
    `${p99}`,
    d1Calls.toFixed(1),
    (perSecond / of("hello", connections)).toFixed(2),
    (perSecond / of("one D1 call", connections)).toFixed(2),
  ]);
  const head = ["", "connections", "requests/s", "p50 ms", "p99 ms", "D1 calls", "of hello", "of one D1 call"];
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join("  "),
    );
  }
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}

await main();
