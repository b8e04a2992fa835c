import { describe, expect, it } from "vitest";
import { saneName } from "../../../scripts/start/enrolment.ts";
import { greeting } from "../../../scripts/start/greeting.ts";
import { ImageProgress } from "../../../scripts/start/image-progress.ts";
import { HostCreate } from "../../../protocol/rest.ts";

const settings = { home: "/state", port: 4000, bind: undefined, adminPassword: undefined };

describe("the greeting", () => {
  it("tells the default password only while it is the password", () => {
    expect(greeting(settings, true)).toContain("admin / admin123");
    expect(greeting(settings, false)).not.toContain("admin123");
  });

  it("has the address in everything to try, on the chosen port", () => {
    expect(greeting(settings, true).match(/http:\/\/localhost:4000/g)).toHaveLength(6);
  });
});

describe("this machine's name as a host", () => {
  it.each([
    ["node-1", "node-1"],
    ["Node_1.example.org", "node-1-example-org"],
    ["--", "host"],
    ["", "host"],
    ["ünïcode", "n-code"],
    ["x".repeat(64), "x".repeat(50)],
  ])("%j becomes %j", (name, expected) => {
    expect(saneName(name)).toBe(expected);
    expect(HostCreate.safeParse({ name: saneName(name) }).success).toBe(true);
  });
});

describe("the progress of the tiny image", () => {
  function shown(...steps: [percent: number, message: string][]): string[] {
    const lines: string[] = [];
    const progress = new ImageProgress((line) => lines.push(line.trim()));
    for (const [percent, message] of steps) progress.show(percent, message);
    return lines;
  }

  it("is a line for each step and one at the end", () => {
    expect(shown([10, "a"], [12, "a"], [50, "b"], [100, "ready"])).toEqual([
      "tiny image  10 % a",
      "tiny image  50 % b",
      "tiny image  ready",
    ]);
  });

  it("is nothing where the image is there already", () => {
    expect(shown([100, "ready"])).toEqual([]);
  });
});
