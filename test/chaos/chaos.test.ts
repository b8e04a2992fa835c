/** A sample of the rounds of `npm run test:chaos`, another one each time, and that the whole of them leaves nothing out. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operationKinds } from "../../protocol/operations.ts";
import { Stage } from "./play.ts";
import { newSeed, seeded, shuffled } from "./random.ts";
import { allRounds, frameRoles, frameTypes, placesOf, stepsOf } from "./rounds.ts";

const sampleSize = 24;

describe("the rounds", () => {
  const rounds = allRounds();
  const names = new Set(rounds.map(({ name }) => name));

  it("hit agent and edge before and after every step of every kind, the journal and the end", () => {
    expect(rounds.length).toBe(names.size);
    for (const kind of operationKinds) {
      const steps = stepsOf(kind).flatMap(({ name }) => [`${kind}:${name}:before`, `${kind}:${name}:after`]);
      expect(steps.length).toBeGreaterThan(0);
      expect(placesOf(kind)).toEqual(expect.arrayContaining(steps));
      for (const place of placesOf(kind)) {
        expect(names).toContain(`${kind} agent killed at ${place}`);
        expect(names).toContain(`${kind} edge killed at ${place}`);
      }
      for (const { name } of stepsOf(kind)) expect(names).toContain(`${kind} fails at ${name}`);
    }
  });

  it("lose and double every frame that must not be lost", () => {
    for (const type of frameTypes()) {
      const own = [...names].filter((name) => name.endsWith(` ${type} dropped`) || name.endsWith(` ${type} doubled`));
      const kinds = { operation: operationKinds.length, session: 1, cancel: 1, event: 1, elsewhere: 0 }[
        frameRoles[type]
      ];
      expect(own).toHaveLength(2 * kinds);
    }
  });
});

describe("a sample", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set();
  });
  afterAll(() => stage?.strike());

  const seed = newSeed();
  const sample = shuffled(allRounds(), seeded(seed)).slice(0, sampleSize);
  it.each(sample.map((round) => [`${round.name} (seed ${seed})`, round] as const))("%s", async (_name, round) => {
    await expect(stage.play(round)).resolves.toBeUndefined();
  });
});
