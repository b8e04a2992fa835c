/**
 * The tiny image, in real machines: what the rest of the project may rely on.
 *
 * Builds it once, or takes the one that VOIDVM_TEST_TINY names. Machines are emulated, so that this runs anywhere.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildTinyImage, defaultCache, tinyImageVersion } from "../../agent/tiny-image/build.ts";
import { buildTinyImageApart } from "../../agent/tiny-image/build-apart.ts";
import { freePort } from "../free-port.ts";
import { notHere, unless } from "../unless.ts";

const run = promisify(execFile);
const rootfs = join(import.meta.dirname, "../../agent/tiny-image/rootfs");
const firmware = { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" };
const bootMs = 90_000;

// For what takes a second on a quiet machine.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "voidvm-tiny-"));
  image = process.env["VOIDVM_TEST_TINY"] ?? join(folder, "tiny.qcow2");
  if (!process.env["VOIDVM_TEST_TINY"]) await buildTinyImage({ output: image, cache: defaultCache });
}, 300_000);

afterAll(async () => {
  for (const guest of Guest.all) await guest.kill();
  await rm(folder, { recursive: true, force: true });
});

describe("a seeded guest", () => {
  let guest: Guest;
  let key: string;

  beforeAll(async () => {
    key = join(folder, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const user = {
      name: "demo",
      plain_text_passwd: `it's "se:cret"\\ #1`,
      lock_passwd: false,
      sudo: "ALL=(ALL) NOPASSWD:ALL",
      shell: "/bin/bash",
      ssh_authorized_keys: [readFileSync(`${key}.pub`, "utf8").trim()],
    };
    const userData = `#cloud-config\n${JSON.stringify({ hostname: "web-1", users: ["default", user] }, null, 1)}\n`;
    const metaData = "instance-id: i-1\nlocal-hostname: other\n";
    guest = await Guest.boot("seeded", { seed: { metaData, userData } });
  }, bootMs);

  it("says on the serial console that it is up, and under which name", () => {
    expect(guest.serial).toMatch(/TINY READY host=web-1 ip=10\.0\.2\.15 up=\d/);
  });

  it("shows a login prompt, and lets its user in by the seed's password", async () => {
    await guest.serialSays(/web-1 login: $/);
    guest.type("demo");
    await guest.serialSays(/Password: $/);
    guest.type(`it's "se:cret"\\ #1`);
    expect(await guest.serialSays(/demo@web-1:~\$ /)).not.toContain("Login incorrect");
  });

  it("greets on the SSH port", async () => {
    expect(await firstBytes(guest.sshPort)).toMatch(/^SSH-2\.0-dropbear/);
  });

  it("lets its user in by key, and the user become root by sudo", async () => {
    const commands = "id -un; sudo -n id -un; sudo grep ^root: /etc/shadow";
    const { stdout } = await guest.ssh("demo", ["-i", key, "-o", "BatchMode=yes"], commands);
    expect(stdout.split("\n").slice(0, 3)).toEqual(["demo", "root", "root:*:19000::::::"]);
  });

  it("serves a page with its name", async () => {
    const page = await fetch(`http://127.0.0.1:${guest.httpPort}/`);
    expect(await page.text()).toContain("<h1>web-1</h1>");
  });

  it("answers by the guest agent", async () => {
    expect(await guest.agent("guest-sync", { id: 4711 })).toBe(4711);
    expect(await guest.agent("guest-ping")).toEqual({});
    expect(await guest.agent("guest-get-osinfo")).toMatchObject({ id: "tiny", "version-id": expect.any(String) });
  });

  it("has grown its root file system to the disk of 1 GiB", async () => {
    const { stdout } = await guest.ssh("demo", ["-i", key], "df -m / | tail -n 1");
    expect(Number(stdout.split(/\s+/)[1])).toBeGreaterThan(900);
  });

  it("powers off by its power button", async () => {
    await guest.qmp("system_powerdown");
    expect(await guest.exited(30_000)).toBe(0);
  });

  it("keeps what it was told when it boots again, and asks the seed no second time", { timeout: bootMs }, async () => {
    const seed = { metaData: "instance-id: i-1\n", userData: "#cloud-config\nhostname: web-2\n" };
    const again = await Guest.boot("seeded", { seed });
    expect(again.serial).toMatch(/TINY READY host=web-1 /);
    await again.kill();
  });
});

describe("a guest without a seed", () => {
  let guest: Guest;

  beforeAll(async () => {
    guest = await Guest.boot("unseeded", {});
  }, bootMs);

  it("lets root in on the console without a password, and says so", async () => {
    expect(await guest.serialSays(/tiny login: $/)).toContain("no password");
    guest.type("root");
    expect(await guest.serialSays(/root@tiny:~# /)).not.toContain("Password:");
  });

  it("lets root in on the screen, with the keyboard", async () => {
    await guest.press("root\n");
    // What is typed before the shell is there may be lost.
    const says = async () => {
      await guest.press("echo from $(tty) > /dev/ttyS0\n");
      expect(await guest.serialSays(/from .*\r\n/, 3_000)).toContain("from /dev/tty1");
    };
    await vi.waitFor(says, { timeout: 50_000, interval: 1_000 });
  });

  it("lets nobody in by SSH with an empty password", async () => {
    const askpass = join(folder, "askpass");
    await writeFile(askpass, "#!/bin/sh\necho\n", { mode: 0o700 });
    const env = { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":0" };
    const attempt = guest.ssh("root", ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"], "id", env);
    await expect(attempt).rejects.toThrow(/Permission denied/);
  });

  it("boots again after its machine was killed", { timeout: bootMs }, async () => {
    await guest.kill();
    const again = await Guest.boot("unseeded", {});
    expect(again.serial).toMatch(/TINY READY host=tiny /);
    await again.kill();
  });
});

describe("a machine with UEFI", unless(notHere(firmware.code, "ovmf")), () => {
  it("boots the same image", { timeout: 2 * bootMs }, async () => {
    const variables = join(folder, "variables.fd");
    await copyFile(firmware.variables, variables);
    const args = [
      ...["-drive", `if=pflash,format=raw,readonly=on,file=${firmware.code}`],
      ...["-drive", `if=pflash,format=raw,file=${variables}`],
    ];
    // The kernel's EFI stub needs room for the kernel twice: 128 MiB are too little, 144 enough.
    const guest = await Guest.boot("uefi", { memory: 160, args });
    expect(guest.serial).toMatch(/TINY READY host=tiny /);
    await guest.kill();
  });
});

describe("a seed on vfat", unless(notHere("/usr/bin/mcopy", "mtools")), () => {
  it("is read like one on iso9660", { timeout: bootMs }, async () => {
    const seed = { metaData: "{}", userData: "#cloud-config\nfqdn: fat.example\n" };
    const guest = await Guest.boot("vfat", { seed, vfat: true });
    expect(guest.serial).toMatch(/TINY READY host=fat\.example /);
    await guest.kill();
  });
});

describe("building in a process of its own", () => {
  it("leaves nothing behind when it is aborted", { timeout: 120_000 }, async () => {
    const place = await mkdtemp(join(folder, "aborted-"));
    const controller = new AbortController();
    const abortSoon = () => setTimeout(() => controller.abort(new Error("enough")), 100);
    const log = (line: string) => line === "making the disk" && abortSoon();
    const options = { output: join(place, "tiny.qcow2"), cache: defaultCache, log, signal: controller.signal };
    await expect(buildTinyImageApart(options)).rejects.toThrow("enough");
    expect(await readdir(place)).toEqual([]);
  });

  it("fails in that process's words", async () => {
    const options = { output: join(folder, "never.qcow2"), cache: join(image, "cache") };
    await expect(buildTinyImageApart(options)).rejects.toThrow("ENOTDIR: not a directory");
  });
});

describe("the recipe", () => {
  it("names the Debian package of a tool that is missing", async () => {
    const script = `import("${join(rootfs, "../run.ts")}").then(({ run }) => run("qemu-img", []))`;
    const attempt = run(process.execPath, ["--eval", script], { env: { PATH: "/nowhere" } });
    await expect(attempt).rejects.toThrow(/qemu-img is missing: install the Debian package qemu-utils/);
  });

  it("has a version that names the recipe", () => {
    expect(tinyImageVersion()).toMatch(/^\d+-[0-9a-f]{12}$/);
  });
});

describe("the seed's YAML", () => {
  it.each([
    ["a: 1 # one\nb: 'it''s'\nc: \"x\\n\\u00e9\"\nd: ~", { a: "1", b: "it's", c: "x\né", d: "" }],
    ["l:\n- x\n- y: 1\n  z: 2\nm: end", { l_count: "2", l_0: "x", l_1_y: "1", l_1_z: "2", m: "end" }],
    ["l:\n  - - a\n    - b", { l_count: "1", l_0_count: "2", l_0_0: "a", l_0_1: "b" }],
    ["t: |\n  one\n   two\nf: >-\n  one\n  two\nend: 1", { t: "one\n two", f: "one two", end: "1" }],
    [
      '{"a": [1, {"b": "}"}],\n "instance-id": "x",\n "e": []}',
      { a_count: "2", a_0: "1", a_1_b: "}", instance_id: "x" },
    ],
    ["k: \"'; touch /tmp/x; '\"\n$(id): `id`", { k: "'; touch /tmp/x; '", __id_: "`id`" }],
  ])("reads %j", async (yaml, expected) => {
    expect(await readYaml(yaml)).toEqual(expected);
  });

  /** By way of a shell, as the guest does it. */
  async function readYaml(yaml: string): Promise<Record<string, string>> {
    await writeFile(join(folder, "yaml"), yaml);
    const program = join(rootfs, "usr/lib/tiny/yaml-to-shell.awk");
    const script = 'set -a; eval "$(LC_ALL=C awk -v prefix=seed_ -f "$1" "$2")"; exec env -0';
    const { stdout } = await run("sh", ["-c", script, "sh", program, join(folder, "yaml")]);
    const pairs = stdout.split("\0").filter((pair) => pair.startsWith("seed_"));
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(5, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  }
});

describe("the guest's scripts", unless(notHere("/usr/bin/shellcheck", "shellcheck")), () => {
  it("pass shellcheck", async () => {
    const files = globSync(`${rootfs}/**/*`, { withFileTypes: true }).filter((file) => file.isFile());
    const paths = files.map((file) => join(file.parentPath, file.name));
    const scripts = paths.filter((path) => readFileSync(path, "latin1").startsWith("#!/bin/sh"));
    expect(scripts.length).toBeGreaterThan(10);
    await run("shellcheck", ["--shell=sh", ...scripts, join(rootfs, "../initramfs/init")]);
  });
});

interface GuestOptions {
  seed?: { metaData: string; userData: string };
  vfat?: boolean;
  /** In MiB. */
  memory?: number;
  args?: string[];
}

/** A machine on a linked clone of the image, which stays when the machine ends. */
class Guest {
  static readonly all: Guest[] = [];
  serial = "";
  sshPort = 0;
  httpPort = 0;
  readonly #place: string;
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> | undefined;

  private constructor(name: string) {
    this.#place = join(folder, name);
    Guest.all.push(this);
  }

  static async boot(name: string, options: GuestOptions): Promise<Guest> {
    const guest = new Guest(name);
    await guest.#start(options);
    await guest.serialSays(/TINY READY .*\r\n/, bootMs);
    return guest;
  }

  async #start({ seed, vfat = false, memory = 128, args = [] }: GuestOptions): Promise<void> {
    const place = this.#place;
    const clone = ["-q", "-f", "qcow2", "-b", image, "-F", "qcow2", `${place}.qcow2`, "1G"];
    if (!existsSync(`${place}.qcow2`)) await run("qemu-img", ["create", ...clone]);
    [this.sshPort, this.httpPort] = [await freePort(), await freePort()];
    const forward = `hostfwd=tcp:127.0.0.1:${this.sshPort}-:22,hostfwd=tcp:127.0.0.1:${this.httpPort}-:80`;

    const machine = [
      ...["-machine", "q35", "-accel", "tcg,thread=multi,tb-size=64", "-m", String(memory)],
      ...["-nodefaults", "-vga", "std", "-display", "none"],
      ...["-drive", `if=virtio,format=qcow2,file=${place}.qcow2`],
      ...["-netdev", `user,id=net,restrict=on,${forward}`, "-device", "virtio-net-pci,netdev=net,romfile="],
      ...["-device", "virtio-rng-pci", "-device", "virtio-balloon-pci", "-device", "virtio-serial-pci"],
      ...["-chardev", `socket,id=agent,path=${place}.agent,server=on,wait=off`],
      ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
      ...["-qmp", `unix:${place}.qmp,server=on,wait=off`, "-serial", "stdio"],
    ];
    if (seed) machine.push("-drive", `if=virtio,format=raw,readonly=on,file=${await writeSeed(place, seed, vfat)}`);

    const qemu = spawn("qemu-system-x86_64", [...machine, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    qemu.stdout.on("data", (chunk: Buffer) => (this.serial += chunk.toString("latin1")));
    this.#exit = new Promise((resolve, reject) => qemu.once("close", resolve).once("error", reject));
    this.#process = qemu;
  }

  /** Waits until it does, and returns all that it has said. */
  async serialSays(pattern: RegExp, ms = 30_000): Promise<string> {
    for (const end = Date.now() + ms; !pattern.test(this.serial); await sleep(20)) {
      const isOver = Date.now() > end || this.#process?.exitCode !== null;
      if (isOver) throw new Error(`serial never said ${pattern}: ${this.serial}`);
    }
    return this.serial;
  }

  type(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }

  /** Presses the keys of a US keyboard. */
  async press(text: string): Promise<void> {
    const names = new Map(Object.entries({ "\n": "ret", " ": "spc", "/": "slash", ">": "shift-dot", $: "shift-4" }));
    names.set("(", "shift-9").set(")", "shift-0").set("S", "shift-s");
    for (const char of text) {
      const keys = (names.get(char) ?? char).split("-").map((data) => ({ type: "qcode", data }));
      await this.qmp("send-key", { keys, "hold-time": 20 });
      await sleep(60);
    }
  }

  qmp(command: string, args: object = {}): Promise<unknown> {
    return ask(`${this.#place}.qmp`, { execute: "qmp_capabilities" }, { execute: command, arguments: args });
  }

  agent(command: string, args: object = {}): Promise<unknown> {
    return ask(`${this.#place}.agent`, { execute: command, arguments: args });
  }

  ssh(user: string, options: string[], command: string, env: NodeJS.ProcessEnv = process.env) {
    const settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
    const common = ["-F", "none", ...settings.flatMap((setting) => ["-o", setting]), "-p", String(this.sshPort)];
    return run("ssh", [...common, ...options, `${user}@127.0.0.1`, command], { env, timeout: 50_000 });
  }

  exited(ms: number): Promise<number | null | "still runs" | undefined> {
    return Promise.race([this.#exit, sleep(ms, "still runs" as const, { ref: false })]);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#exit;
  }
}

/** Asks on a unix socket in JSON, one request after the other; greetings and events are passed over. */
async function ask(path: string, ...requests: object[]): Promise<unknown> {
  const socket = connect(path);
  try {
    let answer: unknown;
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    for (const request of requests) {
      socket.write(`${JSON.stringify(request)}\n`);
      for (answer = undefined; answer === undefined;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${path} closed before it answered ${JSON.stringify(request)}`);
        const message = JSON.parse(value) as { return?: unknown; error?: { desc: string } };
        if (message.error) throw new Error(message.error.desc);
        answer = message.return;
      }
    }
    return answer;
  } finally {
    socket.destroy();
  }
}

async function writeSeed(place: string, { metaData, userData }: { metaData: string; userData: string }, vfat: boolean) {
  const [path, files] = [`${place}.seed`, await mkdtemp(`${place}-seed-`)];
  const names = [join(files, "meta-data"), join(files, "user-data")] as const;
  await writeFile(names[0], metaData);
  await writeFile(names[1], userData);
  await rm(path, { force: true });
  if (vfat) {
    await run("mformat", ["-C", "-i", path, "-f", "1440", "-v", "CIDATA", "::"]);
    await run("mcopy", ["-i", path, ...names, "::"]);
  } else {
    await run("genisoimage", ["-quiet", "-output", path, "-volid", "cidata", "-joliet", "-rational-rock", ...names]);
  }
  return path;
}

async function firstBytes(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    const [data] = (await once(socket, "data", { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    return data.toString();
  } finally {
    socket.destroy();
  }
}
