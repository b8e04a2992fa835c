import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { identify } from "../../../scripts/start/process-identity.ts";
import { StateFolder } from "../../../scripts/start/state-folder.ts";
import { UserError } from "../../../scripts/user-error.ts";
import { readProcess } from "../../e2e/processes.ts";

let parent: string;
let path: string;
let opened: StateFolder[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "voidvm-state-"));
  path = join(parent, "state");
});

afterEach(() => {
  for (const folder of opened) folder.close();
  opened = [];
  rmSync(parent, { recursive: true });
});

async function open(): Promise<StateFolder> {
  const folder = await StateFolder.open(path);
  opened.push(folder);
  return folder;
}

/** Another process that holds the folder, once it says so. */
async function openElsewhere(): Promise<ChildProcess> {
  const module = join(import.meta.dirname, "../../../scripts/start/state-folder.ts");
  const program = `
    import { StateFolder } from ${JSON.stringify(module)};
    await StateFolder.open(${JSON.stringify(path)});
    console.log("open");
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  return holder;
}

describe("a state folder", () => {
  it("is made for its user alone and says its format", async () => {
    await open();

    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(join(path, "format.json"), "utf8"))).toEqual({ format: 1 });
  });

  it("of a newer version is refused and left as it is", async () => {
    mkdirSync(path);
    writeFileSync(join(path, "format.json"), '{"format":2}');

    await expect(open()).rejects.toThrow(/written by a newer VoidVM \(format 2, this one knows 1\)/);
    expect(readdirSync(path)).toEqual(["format.json"]);
    expect(readFileSync(join(path, "format.json"), "utf8")).toBe('{"format":2}');
  });

  it.each(["", "{", '{"version":1}'])("whose format reads %j is refused", async (text) => {
    mkdirSync(path);
    writeFileSync(join(path, "format.json"), text);

    await expect(open()).rejects.toThrow(UserError);
    expect(readdirSync(path)).toEqual(["format.json"]);
  });

  it("that can't be made is refused with the way out", async () => {
    writeFileSync(path, "a file");

    await expect(open()).rejects.toThrow(/can't be used: .*VOIDVM_HOME/);
  });
});

describe("the lock of a state folder", () => {
  it("keeps a second supervisor out and names the first", async () => {
    const holder = await openElsewhere();

    await expect(open()).rejects.toThrow(`already runs on ${path} (process ${holder.pid})`);
  });

  it("ends with a holder that is killed", async () => {
    const holder = await openElsewhere();
    holder.kill("SIGKILL");
    await once(holder, "exit");

    await expect(open()).resolves.toBeInstanceOf(StateFolder);
  });

  it("is not held by the mere file", async () => {
    mkdirSync(path);
    writeFileSync(join(path, "lock"), `${process.pid}\n`);

    await expect(open()).resolves.toBeInstanceOf(StateFolder);
  });
});

describe("a child that outlives its supervisor", () => {
  it("is ended by the next start", async () => {
    const child = spawn("sleep", ["600"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const { pid = 0 } = child;
    mkdirSync(path);
    writeFileSync(join(path, "children.json"), JSON.stringify([identify(pid)]));

    await open();

    expect(readProcess(pid)).toBeNull();
  });

  it("is not mistaken for another process with its number", async () => {
    const other = spawn("sleep", ["600"]);
    onTestFinished(() => void other.kill("SIGKILL"));
    const { pid = 0 } = other;
    mkdirSync(path);
    const noted = { pid, startTicks: (identify(pid)?.startTicks ?? 0) - 1 };
    writeFileSync(join(path, "children.json"), JSON.stringify([noted]));

    await open();

    expect(readProcess(pid)).not.toBeNull();
  });

  it("is noted under its name, which a restart takes over", async () => {
    const folder = await open();
    folder.noteChild("agent", process.ppid);
    folder.noteChild("agent", process.pid);

    expect(JSON.parse(readFileSync(join(path, "children.json"), "utf8"))).toEqual([identify(process.pid)]);
    expect(existsSync(join(path, "children.json.new"))).toBe(false);
  });
});
