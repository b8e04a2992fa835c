import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HostError, printable, toHostError } from "../../agent/errors.ts";

it("takes a full disk for NO_SPACE wherever it shows", () => {
  const full = (() => {
    try {
      writeFileSync("/dev/full", "x");
      return null;
    } catch (error) {
      return error;
    }
  })();

  expect(toHostError(full)).toMatchObject({ code: "NO_SPACE", cause: full });
});

it("leaves a failure of host work as it is, and takes all else for an unexpected one", () => {
  const known = new HostError("IMAGE_UNSAFE", "no");

  expect(toHostError(known)).toBe(known);
  expect(toHostError(new TypeError("x is not a function"))).toMatchObject({
    code: "HOST_ERROR",
    message: "x is not a function",
  });
  expect(toHostError("odd")).toMatchObject({ code: "HOST_ERROR", message: "odd" });
});

it.for([
  ["\u001b]0;owned\u0007text", "]0;owned text"],
  ["two\nlines\r\n", "two lines"],
  ["right\u202Eto left\u200B", "right to left"],
  ["  Grüße 你好  ", "Grüße 你好"],
])("prints %j as one harmless line", ([text, line]) => {
  expect(printable(text ?? "")).toBe(line);
});

it("prints no more than a screen of it", () => {
  expect(printable("x".repeat(10_000))).toHaveLength(1_500);
});
