/**
 * `npm run bench:link`: what the link between edge and hosts bears and costs.
 *
 * Edge and simulated hosts share this machine's cores. VOIDVM_BENCH_HOSTS and VOIDVM_BENCH_MACHINES set how many
 * simulated hosts and real machines there are, VOIDVM_BENCH_SECONDS how long each measurement takes.
 */
import { cpus } from "node:os";
import { idleCost, idleMinute, minutesAMonth } from "../api/objects/idle-cost.ts";
import { measureAgent } from "./link/agent.ts";
import { measureFleet } from "./link/reconnection.ts";
import { ms } from "./statistics.ts";
import { printTable } from "./table.ts";

const hosts = Number(process.env["VOIDVM_BENCH_HOSTS"] ?? 1000);
const machines = Number(process.env["VOIDVM_BENCH_MACHINES"] ?? 20);
const seconds = Number(process.env["VOIDVM_BENCH_SECONDS"] ?? 10);
const rates = [50, 200];

const seconds1 = (value: number) => `${(value / 1000).toFixed(1)} s`;
const mib = (value: number) => `${value.toFixed(1)} MiB`;

console.log(`${cpus().length} cores, ${hosts} simulated hosts, ${new Date().toISOString()}\n`);
const fleet = await measureFleet({ hosts, rates, seconds });
const perHost = (fleet.edgeWithHosts - fleet.edgeAlone) / hosts;
printTable(
  ["", "", ""],
  [
    ["all hosts back after the edge was killed", seconds1(fleet.backAfterKill), ""],
    ["  after its port was open again", seconds1(fleet.backAfterStart), ""],
    ["operations, and what was wrong", `${fleet.operations}`, `${fleet.wrong.length} wrong`],
    ["request → accept, idle", `p50 ${ms(fleet.idle.p50)}`, `p99 ${ms(fleet.idle.p99)}`],
    ...fleet.busy.map(({ asked, perSecond, p50, p99 }) => {
      const what = `request → accept, ${asked} a second asked for, ${perSecond.toFixed(0)} accepted`;
      return [what, `p50 ${ms(p50)}`, `p99 ${ms(p99)}`];
    }),
    ["the edge's runtime, alone and with the hosts", mib(fleet.edgeAlone), mib(fleet.edgeWithHosts)],
    ["  a host", mib(perHost), ""],
  ],
);
for (const line of fleet.wrong.slice(0, 20)) console.log(`wrong: ${line}`);

const agents = await measureAgent(machines, 3 * seconds);
console.log("");
printTable(
  ["the agent", "resident", "its share", "processor"],
  agents.map((one) => [
    `with ${one.machines} machines`,
    ...[mib(one.residentMib), mib(one.proportionalMib), `${one.cpuPercent.toFixed(2)} %`],
  ]),
);

const month = idleCost();
const times = (count: number) => (count * minutesAMonth).toLocaleString("en");
console.log(`\nAn idle host in a month: ${times(idleMinute.calls)} calls of its object, ${times(idleMinute.alarms)} alarms,
${times(idleMinute.messages)} messages that wake it, ${times(idleMinute.rowsWritten)} rows written, ${times(idleMinute.rowsRead)} read: $${month.dollars.toFixed(4)}`);

const aims: [what: string, met: boolean][] = [
  [`${hosts} hosts are back within 60 s after the edge restarts`, fleet.backAfterStart <= 60_000],
  ["no operation is lost, and the edge says what the hosts are", fleet.wrong.length === 0],
  ...fleet.busy.map(({ asked, perSecond }): [string, boolean] => {
    return [`${asked} operations a second are accepted`, perSecond >= 0.95 * asked];
  }),
  ["the agent is below 80 MiB", agents.every((one) => one.residentMib < 80)],
  ["the agent takes less than 0.5 % of a core", agents.every((one) => one.cpuPercent < 0.5)],
  ["an idle host costs less than a cent a month", month.dollars < 0.01],
];
console.log(`\n${aims.map(([what, met]) => `${met ? "met    " : "not met"}  ${what}`).join("\n")}`);
