/**
 * `npm run bench:api`: requests a second and latency of the API, beside what the runtime does at most.
 *
 * Everything runs on this machine and shares its cores, autocannon among them, so single figures are worth little:
 * what is compared is measured in turn, and the ratios within one run are what counts. The figures are medians of the
 * rounds. VOIDVM_BENCH_ROUNDS and VOIDVM_BENCH_SECONDS set how many there are and how long each measurement takes.
 */
import { cpus } from "node:os";
import autocannon from "autocannon";
import { machine, Site } from "./api/site.ts";
import { printTable } from "./table.ts";
import { freePort } from "../test/free-port.ts";

interface Scenario {
  readonly name: string;
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly token?: string;
  readonly body?: () => object;
  /** The status that its answers have. */
  readonly status?: number;
  /** Its answers take so long that one round is enough. */
  readonly slow?: boolean;
}

interface Load {
  readonly perSecond: number;
  /** ms. */
  readonly p50: number;
  readonly p99: number;
}

interface Measured extends Load {
  readonly scenario: Scenario;
  readonly connections: number;
  readonly d1Calls: number;
}

const rounds = Number(process.env["VOIDVM_BENCH_ROUNDS"] ?? 5);
const seconds = Number(process.env["VOIDVM_BENCH_SECONDS"] ?? 2);
const connectionCounts = [1, 32] as const;
/** Enough that the configuration, which is read once in five seconds, is not among what a request costs. */
const samples = 50;
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
      { name: "login", method: "POST", path: "/api/v1/auth/login", body: () => credentials, slow: true },
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
    console.log(`${cpus().length} cores, ${rounds} rounds of ${seconds} s, ${new Date().toISOString()}\n`);
    const measured = await measure(site, scenarios);
    // The last, since it holds for all that comes after it.
    await site.limitTo(1);
    await site.call("GET", list, undefined, few.token).catch(() => {});
    measured.push(...(await measure(site, [{ name: "refused (429)", path: list, token: few.token, status: 429 }])));
    print(measured);
  } finally {
    await site.stop();
  }
}

async function measure(site: Site, scenarios: readonly Scenario[]): Promise<Measured[]> {
  const measured = scenarios.flatMap((scenario) =>
    connectionCounts.map((connections) => ({ scenario, connections, loads: [] as Load[] })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { scenario, connections, loads } of measured) {
      if (round === 0 || !scenario.slow) loads.push(await load(site, scenario, connections));
    }
  }
  const calls = new Map<Scenario, number>();
  for (const scenario of scenarios) calls.set(scenario, await d1CallsOf(site, scenario));
  return measured.map(({ scenario, connections, loads }) => ({
    ...{ scenario, connections, d1Calls: calls.get(scenario) ?? 0 },
    perSecond: median(loads.map(({ perSecond }) => perSecond)),
    p50: median(loads.map(({ p50 }) => p50)),
    p99: median(loads.map(({ p99 }) => p99)),
  }));
}

async function load(site: Site, scenario: Scenario, connections: number): Promise<Load> {
  const { method = "GET", path, body, status = 200 } = scenario;
  const setupRequest = (request: object) => ({ ...request, body: JSON.stringify(body?.()) });
  const result = await autocannon({
    ...{
      url: `${site.origin}${path}`,
      connections,
      duration: scenario.slow ? 10 : seconds,
      timeout: 60,
      method,
      headers: headersOf(scenario),
    },
    ...(body ? { requests: [{ setupRequest }] } : {}),
  });
  const wrong = Object.entries(result.statusCodeStats ?? {})
    .filter(([code]) => Number(code) !== status)
    .reduce((sum, [, { count = 0 }]) => sum + count, result.errors);
  if (wrong > 0) console.log(`${scenario.name} with ${connections}: ${wrong} answers were not ${status}`);
  await settled(site);
  return { perSecond: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

/** Of one request, with what its objects do. One after the other, when all is warm. */
async function d1CallsOf(site: Site, scenario: Scenario): Promise<number> {
  const { method = "GET", path, body, status = 200 } = scenario;
  const before = await settled(site);
  for (let left = samples; left > 0; left--) {
    const response = await fetch(`${site.origin}${path}`, {
      ...{ method, headers: headersOf(scenario) },
      ...(body ? { body: JSON.stringify(body()) } : {}),
    });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${scenario.name}: ${response.status} ${text}`);
  }
  return Math.round((((await settled(site)) - before) / samples) * 10) / 10;
}

function headersOf({ token, body }: Scenario): Record<string, string> {
  return {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(body ? { "Content-Type": "application/json" } : {}),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
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
  const rate = (name: string, connections: number) =>
    measured.find((entry) => entry.scenario.name.startsWith(name) && entry.connections === connections)?.perSecond ?? 0;
  const rows = measured.map(({ scenario, connections, perSecond, p50, p99, d1Calls }) => [
    ...[scenario.name, `${connections}`, perSecond.toFixed(0), `${p50}`, `${p99}`, d1Calls.toFixed(1)],
    (perSecond / rate("hello", connections)).toFixed(2),
    (perSecond / rate("one D1 call", connections)).toFixed(2),
  ]);
  const head = ["", "connections", "requests/s", "p50 ms", "p99 ms", "D1 calls", "of hello", "of one D1 call"];
  printTable(head, rows);

  const calls = (name: string) => measured.find(({ scenario }) => scenario.name.startsWith(name))?.d1Calls ?? 0;
  const aims: [what: string, met: boolean][] = [
    ["a read costs at most one D1 call", Math.max(calls("read one"), calls("list")) <= 1],
    ["a refused request costs none", calls("refused") === 0],
    [
      "50 of 10,000 are listed as fast as 50 of 100",
      connectionCounts.every((n) => rate("list 50 of 10,000", n) >= 0.9 * rate("list 50 of 100", n)),
    ],
    [
      "a read is at least half as fast as one D1 call",
      connectionCounts.every((n) => rate("read one", n) >= 0.5 * rate("one D1 call", n)),
    ],
  ];
  console.log(`\n${aims.map(([what, met]) => `${met ? "met    " : "not met"}  ${what}`).join("\n")}`);
}

await main();
