/** What may come from servers and guests to a terminal, and what arguments mean. */
import { describe, expect, it } from "vitest";
import { diskSize, keyValue, memorySize } from "../../cli/command.ts";
import { controlKey } from "../../cli/commands/console.ts";
import { parseForward } from "../../cli/commands/network.ts";
import { exitCodeOf, exitCodes, Interrupted, UserError } from "../../cli/exit-codes.ts";
import { languageOf } from "../../cli/language.ts";
import { safeJson, safeText } from "../../cli/output/safe-text.ts";
import { table } from "../../cli/output/table.ts";
import { apiUrl } from "../../cli/profiles.ts";
import { destinationIndex } from "../../cli/ssh.ts";
import { TerminalFilter } from "../../cli/terminal/filter.ts";
import { VoidVMError } from "../../sdk/typescript/src/index.ts";

describe("text of others", () => {
  it("shows what a terminal would obey, and leaves all letters", () => {
    expect(safeText("a\u001b]0;x\u0007b\r\n\u009b2J")).toBe("a\\u001b]0;x\\u0007b\\u000d\\u000a\\u009b2J");
    expect(safeText("\u202egpj.exe\u2066")).toBe("\\u202egpj.exe\\u2066");
    expect(safeText("虚拟机 é 🚀")).toBe("虚拟机 é 🚀");
  });

  it("in JSON says the same after it is parsed", () => {
    const value = { name: "a\u001b[2J\u009b\u202e\u007f\n" };
    const text = safeJson(value, 2);
    expect(text.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(text)).toEqual(value);
  });

  it("stands in columns by its width", async () => {
    const [, first, second] = (
      await table(
        ["名称", "N"],
        [
          ["甲", "1"],
          ["abcd", "2"],
        ],
      )
    ).split("\n");
    expect([first, second]).toEqual(["甲    1", "abcd  2"]);
  });
});

describe("a guest's terminal output", () => {
  const filtered = (text: string, size = text.length) => {
    const filter = new TerminalFilter();
    const bytes = Buffer.from(text);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(filter.push(bytes.subarray(at, at + size)));
    return Buffer.concat(parts).toString();
  };
  const harmless = [
    "plain © ünïcode 虚拟机\r\n\t\b\u0007",
    "\u001b[31mred\u001b[0m\u001b[2J\u001b[?1049h",
    "\u001b(B\u001b7\u001b8\u001bM",
    "\u001b[6n\u001b[c",
  ];
  const harmful = [
    "\u001b]0;title\u0007",
    "\u001b]52;c;ZXZpbA==\u001b\\",
    "\u001b]8;;http://evil\u001b\\",
    "\u001bP$q\u001b\\",
    "\u001b_payload\u001b\\",
    "\u001b^pm\u001b\\",
    "\u001bXsos\u001b\\",
    "\u001b[21t",
    "\u001b[8;1;1t",
    "\u009d0;title\u0007",
    "\u009b21t",
    "\u0090dcs\u001b\\",
  ];

  it.each(harmless)("lets through %j", (text) => {
    expect(filtered(text)).toBe(text);
    expect(filtered(text, 1)).toBe(text);
  });

  it.each(harmful)("takes out %j, wherever it is cut", (text) => {
    for (const size of [1, 2, 3, 1000]) expect(filtered(`a${text}b`, size)).toBe("ab");
  });

  it("what never ends is not shown, and what follows an end is", () => {
    expect(filtered(`a\u001b]0;${"x".repeat(5000)}`)).toBe("a");
    expect(filtered("a\u001b]0;x\u001b[31mb")).toBe("a\u001b[31mb");
    expect(filtered(`a\u001b[${"1".repeat(5000)}mb`).startsWith("a\u001b")).toBe(false);
  });
});

describe("arguments", () => {
  it("sizes have units", () => {
    expect(["2048", "2048M", "2G", "1TiB"].map(memorySize)).toEqual([2048, 2048, 2048, 1_048_576]);
    expect(["20", "20G", "1T"].map(diskSize)).toEqual([20, 20, 1024]);
    for (const wrong of ["", "-1", "1.5G", "2X", "1e3"]) expect(() => memorySize(wrong)).toThrow("Like 2048");
    expect(keyValue("b=2=3", { a: "1" })).toEqual({ a: "1", b: "2=3" });
  });

  it("forwards listen on loopback where nothing else is said", () => {
    expect(parseForward("8080:80")).toEqual({ address: "127.0.0.1", local: 8080, remote: 80 });
    expect(parseForward("0.0.0.0:0:22")).toEqual({ address: "0.0.0.0", local: 0, remote: 22 });
    expect(parseForward("[::1]:80:80")).toMatchObject({ address: "::1" });
    for (const wrong of ["80", "a:b", "1:0", "1:70000"]) expect(() => parseForward(wrong)).toThrow(UserError);
  });

  it("ssh's destination is found among its own arguments", () => {
    const destination = (line: string) => line.split(" ")[destinationIndex(line.split(" "))];
    expect(destination("-v -L 8080:localhost:80 -p2222 root@web-1 ls -l")).toBe("root@web-1");
    expect(destination("-vNL 8080:localhost:80 web-1")).toBe("web-1");
    expect(destination("-oBatchMode=yes -i key web-1")).toBe("web-1");
    expect(destination("-- web-1")).toBe("web-1");
    expect(destination("-v")).toBeUndefined();
  });

  it("a detach key is a control key", () => {
    expect(["ctrl-]", "^]", "ctrl-a", "Ctrl-A"].map(controlKey)).toEqual([0x1d, 0x1d, 1, 1]);
    expect(() => controlKey("q")).toThrow(UserError);
  });

  it("an address may leave the API's path out", () => {
    expect(apiUrl("http://h:3000")).toBe("http://h:3000/api/v1");
    expect(apiUrl("https://h/base/api/v1/")).toBe("https://h/base/api/v1");
    for (const wrong of ["h:3000", "ftp://h", ""]) expect(() => apiUrl(wrong)).toThrow(UserError);
  });

  it("the language is the first variable's that says one", () => {
    expect(languageOf({ LANG: "zh_CN.UTF-8" })).toBe("zh-CN");
    expect(languageOf({ LANG: "zh_CN.UTF-8", LC_ALL: "C" })).toBe("en");
    expect(languageOf({ LC_ALL: "", LANG: "zh" })).toBe("zh-CN");
    expect(languageOf({})).toBe("en");
  });
});

it("exit codes tell what a script may do next", () => {
  const code = (status: number | null, name = "X") => exitCodeOf(new VoidVMError({ code: name, message: "", status }));
  const ended = (status: "failed" | "unknown" | "running", name: string) =>
    exitCodeOf(new VoidVMError({ code: name, message: "", operation: { status } as never }));
  expect([code(401), code(403), code(404), code(409), code(412), code(507)]).toEqual([3, 3, 4, 5, 5, 5]);
  expect([code(403, "QUOTA_EXCEEDED"), code(429), code(500), code(503), code(null, "NETWORK_ERROR")]).toEqual([
    5, 6, 6, 6, 6,
  ]);
  expect([ended("failed", "NO_SPACE"), ended("running", "TIMEOUT"), ended("unknown", "OUTCOME_UNKNOWN")]).toEqual([
    7, 8, 9,
  ]);
  expect([exitCodeOf(new UserError("?")), exitCodeOf(new Interrupted()), exitCodeOf(new Error("?"))]).toEqual([
    2, 130, 1,
  ]);
  expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length);
});
