/** The command line, as it is built and installed, against a whole VoidVM: by scripts, and by a person at a terminal. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildCli } from "../../scripts/build-cli.ts";
import { projectFolder } from "../../scripts/project.ts";
import { Cloud, unreachableImage } from "./cloud.ts";
import { Terminal } from "./terminal.ts";

const detach = "\u001d";
const terminals: Terminal[] = [];

let cloud: Cloud;
let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  cloud = await Cloud.start();
  home = join(cloud.home, "person");
  await mkdir(join(home, "bin"), { recursive: true });
  await mkdir(join(home, ".ssh"), { mode: 0o700 });
  await symlink(await buildCli(join(home, "lib/voidvm.mjs")), join(home, "bin/voidvm"));
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(home, ".ssh/id_ed25519")]);
  // OpenSSH takes the home from the password database, whatever HOME says.
  const ssh = `exec /usr/bin/ssh -i "$HOME/.ssh/id_ed25519" -o UserKnownHostsFile="$HOME/.ssh/known_hosts" "$@"`;
  await writeFile(join(home, "bin/ssh"), `#!/bin/sh\n${ssh}\n`, { mode: 0o755 });
  env = {
    PATH: [join(home, "bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
    HOME: home,
    LANG: "C.UTF-8",
  };
});
afterAll(async () => {
  for (const terminal of terminals) terminal.kill();
  await cloud.dispose();
});

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without a terminal, as a script runs it. */
async function voidvm(words: readonly string[], input = "", more: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn("voidvm", words, { env: { ...env, ...more }, stdio: "pipe" });
  const ran = { stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => (ran.stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (ran.stderr += data.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { code, ...ran };
}

/** What must work. */
async function said(words: string, input = ""): Promise<string> {
  const { code, stdout, stderr } = await voidvm(words.split(" "), input);
  expect([words, code, code === 0 ? "" : stderr]).toEqual([words, 0, ""]);
  return stdout;
}

function terminal(command: string): Terminal {
  const opened = new Terminal(command, env);
  terminals.push(opened);
  return opened;
}

describe("logging in", () => {
  it("a wrong password is exit code 3, and says who is wrong and nothing of the password", async () => {
    const wrong = await voidvm(["login", `http://localhost:${cloud.port}`, "-u", "admin"], "not-it\n");
    expect(wrong).toMatchObject({ code: 3, stdout: "" });
    expect(wrong.stderr).toContain("INVALID_CREDENTIALS");
    expect(wrong.stderr).not.toContain("not-it");
  });

  it("asks at the terminal without showing the password, and keeps a token that only its user can read", async () => {
    const login = terminal(`voidvm login http://localhost:${cloud.port}`);
    await login.until("User name: ");
    login.type("admin\r");
    await login.until("Password: ");
    login.type("admin12\u007f23\r");
    await login.until("Logged in");
    expect(await login.ended()).toBe(0);
    expect(login.shown).not.toContain("admin12");
    const file = join(home, ".config/voidvm/profiles.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain("vvm_");
    expect(readFileSync(file, "utf8")).not.toContain("admin123");
  });

  it("a profile's token is not sent to another server", async () => {
    const other = await voidvm(["vm", "list", "--url", `http://127.0.0.1:${cloud.port}`]);
    expect(other).toMatchObject({ code: 3, stderr: expect.stringContaining("Not logged in") });
  });
});

describe("at a terminal", () => {
  it("a creation shows how far it is, and what came of it", async () => {
    const create = terminal(
      "voidvm vm create web-1 --memory 128 --disk 1 --os tiny --user root --ssh-key ~/.ssh/id_ed25519.pub --start",
    );
    expect([await create.ended(), create.shown]).toEqual([0, expect.any(String)]);
    expect(create.shown).toMatch(/[█░]{24}.* \d+ %\s+web-1\s+vm\.create/);
    expect(create.shown).toContain("web-1 is running");
  });

  it("the console logs in to the guest, and its terminal is as it was after the detach key", async () => {
    await cloud.booted("web-1");
    const console = terminal("stty -g; voidvm console web-1 --take-over; echo left-$?; stty -g");
    await console.until("leaves]");
    console.type("\r");
    await console.until("web-1 login:");
    console.type(detach);
    await console.until("left-0");
    expect(await console.ended()).toBe(0);
    const settings = console.shown.split(/\r?\n/).filter((line) => /^[\da-f]+(:[\da-f]+){20,}$/.test(line));
    expect(settings).toHaveLength(2);
    expect(settings[0]).toBe(settings[1]);
  });

  it("what the guest would do to the terminal itself is left out, and comes with --raw", async () => {
    const log = "printf 'x\\033]0;title\\007y-%s\\n' $((20+3)) > /dev/ttyS0";
    for (const [option, expected] of [
      ["", "xy-23"],
      ["--raw", "x\u001b]0;title\u0007y-23"],
    ] as const) {
      const console = terminal(`voidvm console web-1 --view-only ${option}`);
      await console.until("leaves]");
      expect(await voidvm(["ssh", "-o", "BatchMode=yes", "root@web-1", log])).toMatchObject({ code: 0 });
      await console.until(expected);
      console.type(detach);
      expect(await console.ended()).toBe(0);
    }
  });

  it("ssh is the system's: its options, its exit code, host keys by the machine's id", async () => {
    const ran = await voidvm(["ssh", "-o", "BatchMode=yes", "root@web-1", "echo $((40+2)); exit 7"]);
    expect(ran).toMatchObject({ code: 7, stdout: "42\n" });
    const { id } = await cloud.vm("web-1");
    expect(readFileSync(join(home, ".ssh/known_hosts"), "utf8")).not.toBe("");
    const { stdout } = await promisify(execFile)("ssh-keygen", ["-F", id, "-f", join(home, ".ssh/known_hosts")]);
    expect(stdout).toContain(id);

    const shell = terminal("voidvm ssh root@web-1");
    await shell.until("#");
    shell.type("echo in-$((1+1)); exit\r");
    await shell.until("in-2");
    expect(await shell.ended()).toBe(0);
  });

  it("asks before it deletes, and no is no", async () => {
    const ask = terminal("voidvm vm delete web-1 --force");
    await ask.until("[y/N]");
    ask.type("n\r");
    expect(await ask.ended()).toBe(1);
    expect((await cloud.vm("web-1")).status).toBe("running");
  });
});

describe("in scripts", () => {
  afterAll(() => said("vm delete web-1 --force --yes"));

  it("forward lets a page of the guest be read, and ends with Ctrl-C", async () => {
    const forward = spawn("voidvm", ["forward", "web-1", "0:80", "127.0.0.1:0:22", "--json"], { env, stdio: "pipe" });
    let out = "";
    forward.stdout.on("data", (data: Buffer) => (out += data.toString()));
    await cloud.until("it listens twice", async () => out.split('"port"').length === 3);
    const port = /"port": (\d+),\s+"remote": 80/.exec(out)?.[1];
    const pages = await Promise.all([1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${port}/`)).text()));
    for (const page of pages) expect(page).toContain("<h1>web-1</h1>");
    forward.kill("SIGINT");
    expect((await once(forward, "exit"))[0]).toBe(130);
  });

  it("tables are for people, JSON for programs, ids for pipes", async () => {
    const { id } = await cloud.vm("web-1");
    expect(await said("vm list")).toMatch(/^NAME +ID +STATUS .*\nweb-1 +vm-\w+ +running /);
    expect(JSON.parse(await said("vm list --json"))).toMatchObject([{ id, name: "web-1" }]);
    expect(await said("--quiet vm list")).toBe(`${id}\n`);
    const chinese = await voidvm(["vm", "list"], "", { LC_ALL: "zh_CN.UTF-8" });
    expect(chinese.stdout).toMatch(/^名称 +ID +状态/);
  });

  it("text of others is harmless, unless it is asked for as it is", async () => {
    const nasty = "a\u001b]0;title\u0007\u202e";
    await cloud.request("PATCH", "/vms/web-1", { description: nasty });
    const { description } = (await cloud.get<{ description: string }>("/vms/web-1")).body.data;
    expect(await said("vm show web-1")).not.toContain("\u001b");
    expect(JSON.parse(await said("vm show web-1 --json"))).toMatchObject({ description });
  });

  it("what is wrong has its exit code, and says what to do next", async () => {
    const { id } = await cloud.vm("web-1");
    const cases: [string[], number, string][] = [
      [["vm", "strat", "web-1"], 2, "Did you mean start?"],
      [["vm", "create"], 2, "missing required argument"],
      [["vm", "create", "x", "--memory", "lots"], 2, "Like 2048"],
      [["vm", "delete", "web-1"], 2, "Add --yes"],
      [["vm", "show", "nothing"], 4, "voidvm vm list"],
      [["vm", "start", "web-1"], 5, "VM_ALREADY_RUNNING"],
      [["vm", "delete", "web-1", "--yes"], 5, "--force"],
      [["vm", "list", "--profile", "none"], 3, "voidvm login"],
      [["operation", "wait", "op-00000000000000000000000000"], 4, "OPERATION_NOT_FOUND"],
    ];
    for (const [words, code, hint] of cases) {
      const ran = await voidvm(words);
      expect([words, ran.code]).toEqual([words, code]);
      expect(ran.stderr).toContain(hint);
    }
    const json = await voidvm(["vm", "show", "nothing", "--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "VM_NOT_FOUND", status: 404 } });
    const nobody = await voidvm(["vm", "list"], "", { VOIDVM_URL: "http://127.0.0.1:9", VOIDVM_TOKEN: "t" });
    expect(nobody).toMatchObject({ code: 6, stderr: expect.stringContaining("npm start") });

    const slow = await voidvm(["vm", "restart", id, "--timeout", "0"]);
    expect(slow.code).toBe(8);
    await said(slow.stderr.split("→ voidvm ")[1]?.trim() ?? "");
    await cloud.post("/images", unreachableImage);
    expect(await voidvm(["vm", "create", "far", "--os", unreachableImage.os])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("IMAGE_UNAVAILABLE"),
    });
    await said("vm delete far --yes");
  });

  it("events are followed as lines of JSON until Ctrl-C", async () => {
    const follow = spawn("voidvm", ["events", "--follow", "--after", "0", "--json"], { env, stdio: "pipe" });
    let out = "";
    follow.stdout.on("data", (data: Buffer) => (out += data.toString()));
    await said("vm create seen --memory 128 --disk 1 --os tiny");
    const { id } = await cloud.vm("seen");
    const events = () =>
      out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { event: string; vmId: string | null });
    await cloud.until("the creation is told", async () =>
      events().some(({ event, vmId }) => event === "vm-created" && vmId === id),
    );
    follow.kill("SIGINT");
    expect((await once(follow, "exit"))[0]).toBe(130);
    await said("vm delete seen --yes --quiet");
  });

  it("completion knows commands, options and machines, in each shell's own grammar", async () => {
    expect(await said("__complete -- vm st")).toMatch(/^start\t.*\nstop\t/);
    expect(await said("__complete -- vm start we")).toBe("web-1\trunning\n");
    expect(await said("__complete -- vm stop --gr")).toMatch(/^--grace\t/);
    for (const shell of ["bash", "zsh", "fish"]) {
      const file = join(home, `completion.${shell}`);
      await writeFile(file, await said(`completion ${shell}`));
      if (shell === "bash" || existsSync(`/usr/bin/${shell}`)) await promisify(execFile)(shell, ["-n", file]);
    }
    const completed =
      'source completion.bash; COMP_WORDS=(voidvm console w); COMP_CWORD=2; _voidvm; echo "${COMPREPLY[@]}"';
    const { stdout } = await promisify(execFile)("bash", ["-c", completed], { env, cwd: home });
    expect(stdout).toBe("web-1\n");
  });

  it("tells its version without a home, a login or a server", async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, "cli/package.json"), "utf8")) as {
      version: string;
    };
    const nowhere = { HOME: "/nonexistent", VOIDVM_URL: "http://127.0.0.1:9" };
    expect(await voidvm(["--version"], "", nowhere)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

it("the examples of docs/cli.md run, one after the other", async () => {
  const page = readFileSync(join(projectFolder, "docs/cli.md"), "utf8");
  const examples = [...page.matchAll(/<!-- test -->\n```bash\n(.*?)```/gs)].map(([, text]) => text ?? "");
  expect(examples).toHaveLength(5);
  const script = examples.join("\n").replaceAll("localhost:3000", `localhost:${cloud.port}`);
  const run = promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { env, cwd: home });
  const { stdout } = await run.catch((error: Error & { stdout: string; stderr: string }) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  expect(stdout).toContain("Linux\n");
});
