/**
 * The real installer, from a real edge on loopback, in a root of its own. There is no systemd in it, so the agent is
 * started by hand there; the unit is looked at by systemd's own checker.
 */
import type { ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unless } from "../unless.ts";
import { EdgeProcess } from "./edge-process.ts";
import { InstallRoot, isClean, type Ran } from "./install-root.ts";

const installer = join(import.meta.dirname, "../../installer");

describe("the installer's scripts", () => {
  it.each(readdirSync(installer))("%s has nothing that shellcheck finds", async (name) => {
    const { stdout } = await promisify(execFile)("shellcheck", ["--severity=style", join(installer, name)]);
    expect(stdout).toBe("");
  });

  it("does nothing where the download was cut, wherever that was", async () => {
    const script = readFileSync(join(installer, "install.sh"), "utf8");
    const whole = script.trimEnd();
    expect(whole.endsWith('\nmain "$@"')).toBe(true);
    const folder = mkdtempSync(join(tmpdir(), "voidvm-cut-"));
    for (const part of [0.2, 0.5, 0.8, 0.99]) {
      const file = join(folder, `${part}.sh`);
      writeFileSync(file, whole.slice(0, Math.floor((whole.length - 9) * part)));
      const { stdout } = await promisify(execFile)("sh", [file, "token"]).catch(
        (error: Ran & { stdout: string }) => error,
      );
      expect(stdout).toBe("");
    }
    rmSync(folder, { recursive: true });
  });

  it("writes a unit that systemd takes", async () => {
    const script = readFileSync(join(installer, "install.sh"), "utf8");
    const [, unit = ""] = /"\$work\/unit" <<END\n([\s\S]*?)\nEND\n/.exec(script) ?? [];
    const folder = mkdtempSync(join(tmpdir(), "voidvm-unit-"));
    const filled = unit
      .replaceAll("$edge", "https://edge.example")
      .replaceAll("$user", "root")
      .replaceAll("$program", "/bin/true");
    expect(filled).not.toContain("$");
    const file = join(folder, "voidvm-agent.service");
    writeFileSync(file, filled);
    const verified = promisify(execFile)("systemd-analyze", ["verify", file]);
    // Not on a machine without systemd.
    const { stderr } = await verified.catch((error: NodeJS.ErrnoException & { stderr: string }) => {
      if (error.code === "ENOENT") return { stderr: "" };
      throw error;
    });
    expect(stderr).toBe("");
    rmSync(folder, { recursive: true });
  });
});

describe("install.sh", unless(await InstallRoot.obstacle()), () => {
  let edge: EdgeProcess;
  let root: InstallRoot;
  let agent: ChildProcess | null = null;
  let token: string;
  let hostId: string;

  beforeAll(async () => {
    edge = await EdgeProcess.start();
    root = await InstallRoot.make();
    const made = await edge.request<{ host: { id: string }; enrolment: { token: string; command: string } }>(
      ...(["POST", "/hosts", { name: "installed" }] as const),
    );
    hostId = made.host.id;
    token = made.enrolment.token;
  });

  afterAll(async () => {
    agent?.kill("SIGTERM");
    await root.dispose();
    await edge.dispose();
  });

  const install = (args: string) => root.run(`curl -fsSL ${edge.url}/install.sh | sh -s -- ${args}`);
  const isOnline = async () => (await edge.request<{ status: string }>("GET", `/hosts/${hostId}`)).status === "online";

  it("says what is missing or wrong, and has done nothing then", async () => {
    const refusals: [string, string][] = [
      [token, "systemd does not run here. With --no-service"],
      ["--no-service --purge", "There is no option --purge"],
      ["--no-service", "This host is not enrolled yet: give the token"],
      [`--no-service ${"x".repeat(43)}`, "The enrolment token is not known"],
    ];
    for (const [args, words] of refusals) {
      const { code, output } = await install(args);
      expect([args, code, output]).toEqual([args, 1, expect.stringContaining(words)]);
    }
    const unprivileged = `setpriv --reuid=65534 --clear-groups sh -c 'curl -fsSL ${edge.url}/install.sh | sh'`;
    expect((await root.run(unprivileged)).output).toContain("This needs root");
    const away = "curl -fsSL EDGE/install.sh | sed s,EDGE,http://127.0.0.1:9, | sh -s -- --no-service x";
    const { output } = await root.run(away.replace("EDGE", edge.url).replace("EDGE", edge.url));
    expect(output).toContain("could not be fetched. Does this machine reach http://127.0.0.1:9");
  });

  it("knows its distributions and CPU", async () => {
    const foreign = "mount -t tmpfs x /mnt && echo ID=alpine >/mnt/os && mount --bind /mnt/os /etc/os-release";
    const command = `unshare --mount sh -c '${foreign} && curl -fsSL ${edge.url}/install.sh | sh -s -- --no-service x'`;
    expect((await root.run(command)).output).toContain("This distribution is not supported: alpine");
    const otherCpu = `printf '#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux\n' >/mnt/uname; chmod 755 /mnt/uname`;
    const { output } = await root.run(
      `${otherCpu}; curl -fsSL ${edge.url}/install.sh | PATH=/mnt:$PATH sh -s -- --no-service x; rm /mnt/uname`,
    );
    expect(output).toContain("Hosts need an x86-64 CPU, and this one is riscv64");
  });

  it("makes the machine a host, with the agent under a user of its own", async () => {
    const { code, output } = await install(`--no-service ${token}`);
    expect([code, output]).toEqual([0, expect.stringContaining(`Enrolled at ${edge.url} as ${hostId}`)]);
    expect((await root.run("stat -c '%U %a' /var/lib/voidvm /var/lib/voidvm/key.json")).output).toBe(
      "voidvm 700\nvoidvm 600\n",
    );
    expect((await root.run("grep -r $1 /etc/voidvm /var/lib/voidvm".replace("$1", token))).output).toBe("");
    await root.run("sed -i s/EMULATION=0/EMULATION=1/ /etc/voidvm/agent.env");
    agent = root.start("exec voidvm-agent run");
    await edge.until("the host is online", isOnline);
    // Each program on the way has become the next, down to the launcher.
    expect(readFileSync(`/proc/${agent.pid}/status`, "utf8")).toMatch(/^Name:\tvoidvm-agent[\s\S]*^Uid:\t(?!0\t)/m);
  });

  it("tells how the agent stands", async () => {
    expect(await root.run("voidvm-agent status")).toMatchObject({
      code: 0,
      output: expect.stringContaining("connected, session"),
    });
    const { code, output } = await root.run("voidvm-agent doctor --json");
    const { healthy, findings } = JSON.parse(output) as {
      healthy: boolean;
      findings: { what: string; state: string }[];
    };
    expect([code, healthy]).toEqual([0, true]);
    const states = Object.fromEntries(findings.map(({ what, state }) => [what, state]));
    expect(states).toMatchObject({ qemu: "well", identity: "well", edge: "well", clock: "well", agent: "well" });
  });

  it("does no harm when it runs again, with the spent token or none", async () => {
    const again = await install(`--no-service ${token}`);
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining("and stays so; the token was not used") });
    expect((await root.run("grep EMULATION= /etc/voidvm/agent.env")).output).toBe("VOIDVM_ALLOW_EMULATION=1\n");
    expect((await install("--no-service")).code).toBe(0);
    expect(await root.run("voidvm-agent status")).toMatchObject({ code: 0 });
    const other = await install(`--no-service --again ${"x".repeat(43)}`);
    expect(other).toMatchObject({ code: 1, output: expect.stringContaining("The enrolment token is not known") });
    expect((await root.run("cat /var/lib/voidvm/agent.json")).output).toContain(hostId);
  });

  it("says so when the download is not what the manifest names", async () => {
    const altered = `#!/bin/sh\n/usr/bin/curl "$@" && case $8 in *agent.mjs*) echo x >>"$7" ;; esac\n`;
    await root.run(
      `mkdir -p /mnt/altered && printf '%s' '${altered}' >/mnt/altered/curl && chmod 755 /mnt/altered/curl`,
    );
    const { code, output } = await root.run(
      `curl -fsSL ${edge.url}/install.sh | PATH=/mnt/altered:$PATH sh -s -- --no-service`,
    );
    expect([code, output]).toEqual([1, expect.stringContaining("is not what the manifest says")]);
  });

  it("is undone by uninstall, which keeps the machines unless told otherwise", async () => {
    expect((await root.run("voidvm-agent uninstall")).output).toContain("started by hand: end it first");
    const ended = new Promise((resolve) => agent?.once("exit", resolve));
    agent?.kill("SIGTERM");
    await ended;
    agent = null;
    const { code, output } = await root.run("voidvm-agent uninstall");
    expect([code, output]).toEqual([0, expect.stringContaining("their disks stay in /var/lib/voidvm/vms")]);
    expect((await root.run("ls /usr/local/bin/voidvm-agent /etc/voidvm")).code).not.toBe(0);
    expect((await root.run("ls /var/lib/voidvm")).output).toContain("key.json");

    expect((await install("--no-service")).code).toBe(0);
    expect((await root.run("voidvm-agent uninstall --delete-machines")).code).toBe(0);
    expect((await root.run("ls -d /var/lib/voidvm; id voidvm")).output).toMatch(/No such file[\s\S]*no such user/);
  });

  it(
    "installs with dnf where the distribution is one of Fedora's, under the names that it has",
    unless(isClean ? "a clean root has none of the programs that dnf would bring" : null),
    async () => {
      const calls = "/mnt/dnf-calls";
      const prepare = [
        "mount -t tmpfs x /mnt",
        `printf 'ID="rocky"\nID_LIKE="rhel centos fedora"\n' >/mnt/os && mount --bind /mnt/os /etc/os-release`,
        // As if none of them were here, until dnf has come.
        "mkdir /mnt/bin && for name in qemu-system-x86_64 qemu-img genisoimage; do mount --bind /dev/null $(command -v $name); done",
        `printf '#!/bin/sh\necho "$@" >>${calls}; mkdir -p /usr/libexec; cp /bin/true /usr/libexec/qemu-kvm; cp /bin/true /usr/bin/xorriso\n' >/mnt/bin/dnf`,
        "chmod 755 /mnt/bin/dnf",
      ].join(" && ");
      const { enrolment } = await edge.request<{ enrolment: { token: string } }>("POST", "/hosts", { name: "rocky" });
      const run = `curl -fsSL ${edge.url}/install.sh | PATH=/mnt/bin:$PATH sh -s -- --no-service ${enrolment.token}`;
      const look = `cat ${calls}; readlink /usr/local/lib/voidvm/bin/*`;
      const { output } = await root.run(
        `unshare --mount sh -c '${prepare.replaceAll("'", `'\\''`)} && ${run} && ${look}'`,
      );
      expect(output).toContain(
        "--assumeyes install qemu-kvm qemu-img xorriso\n/usr/bin/xorriso\n/usr/libexec/qemu-kvm\n",
      );
    },
  );
});
