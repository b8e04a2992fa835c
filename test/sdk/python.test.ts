/** What of the Python SDK is made from the API's schemas is what would be made now. */
import { expect, it } from "vitest";
import { staleModules } from "../../scripts/write-python-sdk.ts";

it("the Python SDK's models, inputs and methods are those of the API", () => {
  expect(staleModules(), "run node scripts/write-python-sdk.ts").toEqual([]);
});
