/** The OpenAPI document, judged by a linter that others use too. */
import { expect, it } from "vitest";
import { lintOpenApi } from "../../scripts/lint-openapi.ts";

it("the OpenAPI document has nothing that Redocly's linter finds fault with", async () => {
  const { passed, output } = await lintOpenApi();
  expect(output).toContain("valid");
  expect({ passed, output: passed ? "" : output }).toEqual({ passed: true, output: "" });
}, 30_000);
