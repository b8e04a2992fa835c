/** When an agent dials again. */
import { describe, expect, it } from "vitest";
import { type Closing, Redial } from "../../agent/redial.ts";

const lost = (more: Partial<Closing> = {}): Closing => ({ reason: "lost", code: 1006, healthyMs: 0, ...more });
const delays = (redial: Redial, count: number, closing: Closing = lost()) =>
  Array.from({ length: count }, () => redial.delayAfter(closing));

describe("the delay before the next dial", () => {
  it("is any part of a ceiling that doubles from one second to sixty", () => {
    expect(delays(new Redial(() => 1), 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
    expect(delays(new Redial(() => 0), 3)).toEqual([0, 0, 0]);
  });

  it("spreads a thousand agents evenly, from nothing to the whole ceiling", () => {
    const first = Array.from({ length: 1000 }, () => new Redial().delayAfter(lost()));
    for (let tenth = 0; tenth < 10; tenth++) {
      const inIt = first.filter((delay) => delay >= tenth * 100 && delay < (tenth + 1) * 100);
      // A hundred are to be expected; so far off is a chance of less than one in a million.
      expect(inIt.length).toBeGreaterThan(50);
      expect(inIt.length).toBeLessThan(160);
    }
  });

  it("starts anew after a minute of health, and not before", () => {
    const redial = new Redial(() => 1);
    delays(redial, 5);
    expect(redial.delayAfter(lost({ healthyMs: 59_000 }))).toBe(32_000);
    expect(redial.delayAfter(lost({ healthyMs: 60_000 }))).toBe(1_000);
  });

  it("is short after a restart of the edge", () => {
    const redial = new Redial(() => 1);
    delays(redial, 6);
    expect(redial.delayAfter(lost({ code: 1012 }))).toBe(1_000);
  });

  it("is what the edge asks for, at most a minute and a second, and doubles nothing", () => {
    const redial = new Redial(() => 1);
    expect(redial.delayAfter(lost({ code: 503, retryAfterMs: 4_000 }))).toBe(5_000);
    expect(redial.delayAfter(lost({ code: 503, retryAfterMs: 3_600_000 }))).toBe(61_000);
    expect(redial.delayAfter(lost())).toBe(1_000);
  });

  it("is some minutes where the edge doesn't know the key, at the second refusal and after 4403", () => {
    const redial = new Redial(() => 0);
    const refused = lost({ code: 401, errorCode: "UNAUTHENTICATED" });
    expect(redial.delayAfter(refused)).toBe(0);
    expect(redial.delayAfter(refused)).toBe(150_000);
    expect(new Redial(() => 1).delayAfter(lost({ code: 4403 }))).toBe(300_000);
    // A clock that is wrong is no refusal: the next dial has the edge's.
    const late = lost({ code: 401, errorCode: "TOKEN_EXPIRED" });
    expect(delays(new Redial(() => 1), 3, late)).toEqual([1_000, 2_000, 4_000]);
  });

  it("in quarantine is up to a minute, and short again once it is released", () => {
    const redial = new Redial(() => 1);
    delays(redial, 6);
    expect(redial.delayAfter(lost({ code: 4423 }))).toBe(60_000);
    expect(redial.delayAfter(lost({ code: 4409 }))).toBe(1_000);
  });
});
