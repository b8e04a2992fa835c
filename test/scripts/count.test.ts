import type { TestModule } from "vitest/node";
import { describe, expect, it } from "vitest";
import { count } from "../../scripts/test/count.ts";

type Result = { state: "passed" | "failed" | "pending" } | { state: "skipped"; because?: string };

/** What `count` reads of vitest's module. */
function module(results: Result[], errors: { module?: number; suite?: number } = {}): TestModule {
  const error = (n = 0) => ({ errors: () => Array.from({ length: n }, () => ({ message: "broken" })) });
  const tests = results.map((result, index) => ({
    fullName: `test ${index}`,
    result: () => result,
    meta: () => ("because" in result ? { skippedBecause: result.because } : {}),
  }));
  return {
    ...error(errors.module),
    relativeModuleId: "a.test.ts",
    children: { allTests: () => tests, allSuites: () => [error(errors.suite)] },
  } as unknown as TestModule;
}

describe("the count of tests", () => {
  it("tells passed, failed and skipped apart", () => {
    const results: Result[] = [{ state: "passed" }, { state: "passed" }, { state: "failed" }, { state: "skipped" }];
    expect(count([module(results)], 0)).toMatchObject({ passed: 2, failed: 1, skipped: 1 });
  });

  it("has a failure for a file that can't be loaded", () => {
    expect(count([module([], { module: 1 })], 0)).toMatchObject({ passed: 0, failed: 1 });
  });

  it("has a failure for a hook that fails, whose tests are skipped", () => {
    expect(count([module([{ state: "skipped" }], { suite: 1 })], 0)).toMatchObject({ failed: 1, skipped: 1 });
  });

  it("has a failure for each error that no test caught", () => {
    expect(count([module([{ state: "passed" }])], 2)).toMatchObject({ passed: 1, failed: 2 });
  });

  it("counts a test that did not end as skipped, never as passed", () => {
    expect(count([module([{ state: "pending" }])], 0)).toMatchObject({ passed: 0, skipped: 1 });
  });

  it("groups skipped tests by the reason that they gave", () => {
    const results: Result[] = [{ state: "skipped", because: "there is no KVM" }, { state: "skipped" }];
    expect([...count([module(results)], 0).skippedBecause]).toEqual([
      ["there is no KVM", ["a.test.ts: test 0"]],
      ["it is marked so, without a reason", ["a.test.ts: test 1"]],
    ]);
  });
});
