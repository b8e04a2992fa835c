/**
 * `npm run sim:placement`: what each strategy does to a fleet whose machines come and go, and how long a decision takes.
 *
 * Arguments: --hosts, --vms, --churn, --seed. Both strategies get the same hosts and the same machines in the same order.
 */
import { parseArgs } from "node:util";
import { type Outcome, type Plan, roomFor, simulate, vmKinds } from "./placement/fleet.ts";
import { createWith } from "./placement/creation.ts";
import { median, ms, quantile } from "./statistics.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    vms: { type: "string", default: "20000" },
    churn: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
  },
});

const plan: Plan = {
  hosts: Number(values.hosts),
  vms: Number(values.vms),
  churn: Number(values.churn),
  seed: Number(values.seed),
};
console.log(`${plan.hosts} hosts, ${plan.vms} machines, ${plan.churn} that come and go, seed ${plan.seed}\n`);

// Once before, so that the first strategy doesn't pay for the compiler.
simulate({ ...plan, vms: 200, churn: 0 }, "spread");
const outcomes = (["spread", "pack"] as const).map((strategy) => simulate(plan, strategy));
const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
const row = (name: string, value: (outcome: Outcome) => string) => [name, ...outcomes.map(value)];
const fullness = ({ hosts }: Outcome) => hosts.map(({ allocated, capacity }) => allocated.memory / capacity.memory);

printTable(
  ["", ...outcomes.map(({ strategy }) => strategy)],
  [
    row("machines at the end", ({ alive }) => `${alive}`),
    row("rejected", ({ rejected, asked }) => percent([...rejected.values()].reduce((a, b) => a + b, 0) / asked)),
    ...vmKinds.map(({ of }) => row(`  of kind ${of.name}`, ({ rejected }) => `${rejected.get(of.name)}`)),
    row("memory given away", (outcome) => {
      const sum = (what: "allocated" | "capacity") => outcome.hosts.reduce((n, host) => n + host[what].memory, 0);
      return percent(sum("allocated") / sum("capacity"));
    }),
    ...vmKinds.map(({ of }) =>
      row(`fragmentation for ${of.name}`, ({ hosts }) => {
        const { apart, together } = roomFor(hosts, of);
        return together === 0 ? "no room" : percent(1 - apart / together);
      }),
    ),
    row("hosts without a machine", ({ hosts }) => `${hosts.filter(({ vms }) => vms === 0).length}`),
    row("fullness of a host, median", (outcome) => percent(median(fullness(outcome)))),
    row("fullness of a host, p10", (outcome) => percent(quantile(fullness(outcome), 0.1))),
    row("most machines on one host", ({ hosts }) => `${Math.max(...hosts.map(({ vms }) => vms))}`),
    row("images fetched", ({ downloads }) => `${downloads}`),
    row("a decision, p50", ({ decisionMs }) => ms(median(decisionMs))),
    row("a decision, p99", ({ decisionMs }) => ms(quantile(decisionMs, 0.99))),
  ],
);

const [alone, among] = await createWith([
  { hosts: 1, vms: 20 },
  { hosts: plan.hosts, vms: plan.vms },
]);
console.log(`\nPOST /vms with 1 host and 20 machines in D1: ${ms(alone)} (median)`);
console.log(`POST /vms with ${plan.hosts} hosts and ${plan.vms} machines in D1: ${ms(among)} (median)`);
const aims: [what: string, met: boolean][] = [
  ["a decision among all hosts takes less than 5 ms (p99)", outcomes.every((o) => quantile(o.decisionMs, 0.99) < 5)],
  ["a creation in the whole fleet takes at most 10 ms more than with one host", among - alone <= 10],
];
console.log(`\n${aims.map(([what, met]) => `${met ? "met    " : "not met"}  ${what}`).join("\n")}`);
