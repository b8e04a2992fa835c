/** How the tests ended. What failed outside of a test, in a file or a hook, is one failure too. */
import type { TestCase, TestModule, TestSuite } from "vitest/node";

declare module "vitest" {
  interface TaskMeta {
    /** Why a test is left out, as it says itself. */
    skippedBecause?: string;
  }
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of skipped tests by the reason that they gave. */
  readonly skippedBecause: ReadonlyMap<string, string[]>;
}

export function count(modules: readonly TestModule[], unhandledErrors: number): Count {
  let passed = 0;
  let failed = unhandledErrors;
  let skipped = 0;
  const skippedBecause = new Map<string, string[]>();

  for (const module of modules) {
    failed += brokenSuites(module);
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") passed += 1;
      else if (result.state === "failed") failed += 1;
      else {
        skipped += 1;
        const reason = test.meta().skippedBecause ?? "it is marked so, without a reason";
        skippedBecause.set(reason, [...(skippedBecause.get(reason) ?? []), nameOf(module, test)]);
      }
    }
  }
  return { passed, failed, skipped, skippedBecause };
}

/** Their own errors, not those of their tests: a file that can't be loaded, a `beforeAll` that throws. */
function brokenSuites(module: TestModule): number {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}

function nameOf(module: TestModule, test: TestCase): string {
  return `${module.relativeModuleId}: ${test.fullName}`;
}
