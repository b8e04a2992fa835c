/**
 * `npm run test:chaos`: every operation kind with agent and edge killed at every place, every step failing, every frame of the
 * link lost and doubled. `npm test` plays a sample.
 *
 * Options: `--seed N` decides the order, `--rounds N` plays the first N of it, `--only TEXT` those whose name holds the text.
 */
import { parseArgs } from "node:util";
import { Stage } from "./play.ts";
import { newSeed, seeded, shuffled } from "./random.ts";
import { allRounds } from "./rounds.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, rounds: { type: "string" }, only: { type: "string" } },
});
const seed = Number(values.seed ?? newSeed());
const all = allRounds();
const chosen = all.filter(({ name }) => values.only === undefined || name.includes(values.only));
const rounds = shuffled(chosen, seeded(seed)).slice(0, Number(values.rounds ?? chosen.length));
console.log(`${rounds.length} of ${all.length} rounds, seed ${seed}`);

// Ctrl-C lets the round that runs end, and takes everything down.
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());

const failures: Error[] = [];
let played = 0;
const started = performance.now();
const stage = await Stage.set();
try {
  for (const [index, round] of rounds.entries()) {
    if (ending.signal.aborted) break;
    played++;
    const begun = performance.now();
    const failure = await stage.play(round).then(
      () => null,
      (error: Error) => error,
    );
    const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
    console.log(`${index + 1}/${rounds.length} ${failure ? "FAILED" : "ok"} ${round.name} (${took})`);
    if (!failure) continue;
    console.log(failure.message);
    failures.push(failure);
  }
} finally {
  await stage.strike();
}
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
console.log(`${played} rounds in ${minutes} min, ${failures.length} failed, seed ${seed}`);
if (failures.length > 0 || played < rounds.length || rounds.length === 0) process.exitCode = 1;
