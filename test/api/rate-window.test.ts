/** The window of the limit: pure, with a clock of the test's. */
import { describe, expect, it } from "vitest";
import { RateWindow } from "../../api/objects/rate-window.ts";

const minute = 60_000;

describe("a window", () => {
  it("gives as much as the limit and then nothing until the first is a minute old", () => {
    const window = new RateWindow(minute);
    for (let n = 0; n < 100; n++)
      expect(window.take(1, 100, n * 10)).toMatchObject({ allowed: true, remaining: 99 - n });
    expect(window.take(1, 100, 30_000)).toEqual({ allowed: false, limit: 100, remaining: 0, resetSeconds: 31 });
    expect(window.take(1, 100, minute - 1).allowed).toBe(false);
    expect(window.take(1, 100, minute + 1_000).allowed).toBe(true);
  });

  it("never gives more than the limit in any minute, wherever it begins", () => {
    const window = new RateWindow(minute);
    const taken: number[] = [];
    for (let now = 0; now < 5 * minute; now += 137) if (window.take(1, 50, now).allowed) taken.push(now);
    for (const from of taken) {
      expect(taken.filter((at) => at >= from && at < from + minute).length).toBeLessThanOrEqual(50);
    }
    expect(taken.length).toBeGreaterThan(200);
  });

  it("lets what is refused cost nothing", () => {
    const window = new RateWindow(minute);
    window.take(10, 10, 0);
    for (let now = 1; now < minute; now += 100) window.take(1, 10, now);
    expect(window.take(10, 10, minute)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it("keeps a bounded memory, however high the limit", () => {
    const window = new RateWindow(minute);
    for (let now = 0; now < 2 * minute; now += 5) window.take(1, 1_000_000, now);
    expect(window.buckets.length).toBeLessThanOrEqual(61);
  });

  it("goes on from what was kept of it", () => {
    const window = new RateWindow(minute);
    window.take(7, 10, 0);
    const kept = structuredClone(window.buckets);
    expect(new RateWindow(minute, kept).take(4, 10, 1_000)).toMatchObject({ allowed: false, remaining: 3 });
  });

  it("takes a new limit at once", () => {
    const window = new RateWindow(minute);
    window.take(5, 5, 0);
    expect(window.take(1, 5, 1).allowed).toBe(false);
    expect(window.take(1, 6, 2)).toMatchObject({ allowed: true, limit: 6, remaining: 0 });
    expect(window.take(1, 2, 3)).toMatchObject({ allowed: false, limit: 2, remaining: 0 });
  });
});
