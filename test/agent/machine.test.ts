/** Real QEMU processes, with guests of a few bytes: what a machine does, and what its end is taken for. */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Machine } from "../../agent/machine.ts";
import { Qmp } from "../../agent/qemu/qmp.ts";
import { readProcess } from "../e2e/processes.ts";
import { idles, powersOff, resetsForEver } from "./boot-sector.ts";
import { TestHost, testSpec } from "./test-host.ts";

let host: TestHost;

beforeEach(() => {
  host = new TestHost();
});

afterEach(() => host.dispose());

function endOf(machine: Machine): Promise<unknown> {
  return once(machine, "ended").then(([cause]) => cause as unknown);
}

/** QEMU's own word, where no machine of ours is at its monitor. */
async function statusOf(vmId: string): Promise<string> {
  const qmp = await Qmp.connect(host.paths.vm(vmId).qmp);
  const { status } = await qmp.execute<{ status: string }>("query-status");
  qmp.close();
  return status;
}

describe("a started machine", () => {
  it("is one running process, by its number and start, in a session of its own", async () => {
    const machine = await host.start(idles);

    expect(await machine.power()).toBe("running");
    expect(host.qemus()).toHaveLength(1);
    expect(host.qemus()[0]).toMatchObject({ pid: machine.pid, startTicks: machine.startTicks });
    const session = readFileSync(`/proc/${machine.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3];
    expect(session).toBe(String(machine.pid));
  });

  it("runs in a sandbox, with sockets for its owner alone and no port", async () => {
    const machine = await host.start(idles);
    const { sockets } = host.paths.vm(machine.vmId);

    expect(readFileSync(`/proc/${machine.pid}/status`, "utf8")).toMatch(/NoNewPrivs:\t1\n(.*\n)*?Seccomp:\t2\n/);
    expect(statSync(sockets).mode & 0o777).toBe(0o700);
    expect(readdirSync(sockets).toSorted()).toEqual(["ga.sock", "qmp.sock", "serial.sock", "vnc.sock"]);
    expect(listeningTcpSockets(machine.pid)).toEqual([]);
  });

  it("pauses, resumes and resets, and says so", async () => {
    const machine = await host.start(idles);
    const told: string[] = [];
    machine.on("power", (power) => told.push(power));

    await machine.pause();
    expect(await machine.power()).toBe("paused");
    await machine.resume();
    expect(await machine.power()).toBe("running");
    await machine.reset();
    expect(await machine.power()).toBe("running");
    expect(told.slice(0, 2)).toEqual(["paused", "running"]);
  });

  it("keeps to pausing what is paused and resuming what runs", async () => {
    const machine = await host.start(idles);
    await machine.resume();
    expect(await machine.power()).toBe("running");
    await machine.pause();
    await machine.pause();
    expect(await machine.power()).toBe("paused");
  });

  it("goes on through resets from inside", async () => {
    const machine = await host.start(resetsForEver);
    let ended = false;
    machine.on("ended", () => (ended = true));
    await sleep(500);

    expect(await machine.power()).toBe("running");
    expect(ended).toBe(false);
  });

  it("tells QEMU's refusals from its silence", async () => {
    const machine = await host.start(idles);

    await expect(machine.qmp("no-such-command")).rejects.toMatchObject({
      code: "QEMU_FAILED",
      cause: { name: "QmpError", qmpClass: "CommandNotFound" },
    });
  });
});

describe("quitting", () => {
  it("leaves no process, socket or pid file, and is no event", async () => {
    const machine = await host.start(idles);
    const { sockets, pidFile } = host.paths.vm(machine.vmId);
    machine.on("ended", (cause) => expect.unreachable(`ended: ${cause}`));
    await machine.quit();

    expect(readProcess(machine.pid)).toBeNull();
    expect([existsSync(sockets), existsSync(pidFile)]).toEqual([false, false]);
    expect(await machine.exited(0)).toBe(true);
    expect(await machine.power()).toBe("stopped");
  });

  it("is harmless twice, at once or later, and so is the power button after it", async () => {
    const machine = await host.start(idles);
    await Promise.all([machine.quit(), machine.quit()]);
    await machine.quit();
    await machine.pressPowerButton();

    expect(host.qemus()).toEqual([]);
  });

  it("kills a process that does not listen within three seconds", async () => {
    const machine = await host.start(idles);
    process.kill(machine.pid, "SIGSTOP");
    const started = performance.now();
    await machine.quit();

    expect(readProcess(machine.pid)).toBeNull();
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});

describe("an end that nobody asked for", () => {
  it("is a power-off when the guest's own, and the process that is left is ended", async () => {
    const machine = await host.start(powersOff);

    expect(await endOf(machine)).toBe("powered-off");
    expect(readProcess(machine.pid)).toBeNull();
    expect(await machine.exited(0)).toBe(true);
    expect(existsSync(host.paths.vm(machine.vmId).sockets)).toBe(false);
  });

  it("is a crash when the process dies, and known at once", async () => {
    const machine = await host.start(idles);
    const end = endOf(machine);
    const exit = machine.exited(15_000);
    process.kill(machine.pid, "SIGKILL");

    expect(await end).toBe("crashed");
    expect(await exit).toBe(true);
    expect(existsSync(host.paths.vm(machine.vmId).pidFile)).toBe(false);
  });

  it("is an orderly one when the host ends the process with SIGTERM", async () => {
    const machine = await host.start(idles);
    const end = endOf(machine);
    process.kill(machine.pid, "SIGTERM");

    expect(await end).toBe("powered-off");
  });

  it("keeps what QEMU said in the machine's log", async () => {
    const vmId = await host.addVm(idles);
    const machine = await Machine.start(vmId, testSpec, host.context);
    const end = endOf(machine);
    process.kill(machine.pid, "SIGTERM");
    await end;

    expect(readFileSync(host.paths.vm(vmId).qemuLog, "utf8")).toContain("terminating on signal 15");
  });
});

describe("adopting", () => {
  it("takes over the same process after the agent let go of it", async () => {
    const first = await host.start(idles);
    first.on("ended", (cause) => expect.unreachable(`ended: ${cause}`));
    await first.pause();
    first.close();

    const second = await Machine.adopt(first.vmId, host.context);
    expect(second).toMatchObject({ pid: first.pid, startTicks: first.startTicks, accelerator: "tcg" });
    expect(await second?.power()).toBe("paused");
    await second?.quit();
  });

  it("keeps the process through a hundred agents", async () => {
    let machine = await host.start(idles);
    const { pid, startTicks } = machine;
    for (let agent = 0; agent < 100; agent++) {
      machine.close();
      const next = await Machine.adopt(machine.vmId, host.context);
      if (!next) throw new Error("the process was not found");
      machine = next;
    }

    expect(host.qemus()).toHaveLength(1);
    expect(machine).toMatchObject({ pid, startTicks });
    expect(await machine.power()).toBe("running");
  });

  it("finds nothing where no process ever ran, or one that is gone", async () => {
    const vmId = await host.addVm(idles);
    expect(await Machine.adopt(vmId, host.context)).toBeNull();
    const machine = await Machine.start(vmId, testSpec, host.context);
    machine.close();
    process.kill(machine.pid, "SIGKILL");
    await expect.poll(() => readProcess(machine.pid)).toBeNull();

    expect(await Machine.adopt(vmId, host.context)).toBeNull();
  });

  it("does not take another process for the machine's because it has the number", async () => {
    const vmId = await host.addVm(idles);
    writeFileSync(host.paths.vm(vmId).pidFile, `${process.pid}\n`);

    expect(await Machine.adopt(vmId, host.context)).toBeNull();
  });

  it("tells that the guest powered itself off while no agent looked, and ends what is left", async () => {
    const vmId = await host.addVm(powersOff);
    const machine = await Machine.start(vmId, testSpec, host.context);
    machine.close();
    await vi.waitFor(async () => expect(await statusOf(vmId)).toBe("shutdown"), { timeout: 20_000 });
    let poweredOff = false;

    expect(await Machine.adopt(vmId, host.context, () => (poweredOff = true))).toBeNull();
    expect(poweredOff).toBe(true);
    expect(host.qemus()).toEqual([]);
  });
});

describe("a second process for the same machine", () => {
  it("is not started while the first one runs", async () => {
    const machine = await host.start(idles);

    await expect(Machine.start(machine.vmId, testSpec, host.context)).rejects.toThrow(`as process ${machine.pid}`);
    expect(host.qemus().map(({ pid }) => pid)).toEqual([machine.pid]);
    expect(await machine.power()).toBe("running");
  });

  it("is not started while the first one is silent, and a forced end makes room for it", async () => {
    const machine = await host.start(idles);
    process.kill(machine.pid, "SIGSTOP");
    await expect(machine.power()).rejects.toThrow("did not answer query-status within 5000 ms");
    machine.close();

    await expect(Machine.adopt(machine.vmId, host.context)).rejects.toMatchObject({ code: "QEMU_FAILED" });
    await expect(Machine.start(machine.vmId, testSpec, host.context)).rejects.toMatchObject({ code: "QEMU_FAILED" });
    expect(host.qemus().map(({ pid }) => pid)).toEqual([machine.pid]);

    await Machine.kill(machine.vmId, host.context);
    await Machine.kill(machine.vmId, host.context);
    expect(host.qemus()).toEqual([]);
    const next = await Machine.start(machine.vmId, testSpec, host.context);
    expect(await next.power()).toBe("running");
  }, 30_000);

  it("is refused by the disk's lock where the first one can't be found", async () => {
    const first = await host.start(idles);
    const other = new TestHost();
    try {
      const vmId = await other.addVm(idles);
      const paths = { ...other.paths.vm(vmId), disk: host.paths.vm(first.vmId).disk };
      const context = { ...other.context, paths: Object.assign(other.paths, { vm: () => paths }) };

      await expect(Machine.start(vmId, testSpec, context)).rejects.toThrow(/Failed to get "write" lock/);
      expect(other.qemus()).toEqual([]);
      expect(await first.power()).toBe("running");
    } finally {
      await other.dispose();
    }
  });

  it("is not started where the number of the first one was lost: that one is taken over", async () => {
    const first = await host.start(idles);
    first.close();
    writeFileSync(host.paths.vm(first.vmId).pidFile, "");
    const second = await Machine.start(first.vmId, testSpec, host.context);

    expect(second.pid).toBe(first.pid);
    expect(await second.power()).toBe("running");
    expect(host.qemus().map(({ pid }) => pid)).toEqual([first.pid]);
  });
});

describe("a start that fails", () => {
  it("says why in QEMU's words, and leaves nothing", async () => {
    const vmId = await host.addVm(idles);
    const { disk, sockets, pidFile } = host.paths.vm(vmId);
    writeFileSync(disk, "not a disk");

    await expect(Machine.start(vmId, testSpec, host.context)).rejects.toMatchObject({
      code: "QEMU_FAILED",
      message: expect.stringContaining("Image is not in qcow2 format") as string,
    });
    expect(host.qemus()).toEqual([]);
    expect([existsSync(sockets), existsSync(pidFile)]).toEqual([false, false]);
  });

  it("tells its own words and not an earlier start's", async () => {
    const vmId = await host.addVm(idles);
    writeFileSync(host.paths.vm(vmId).qemuLog, "old news\n");
    writeFileSync(host.paths.vm(vmId).disk, "not a disk");

    await expect(Machine.start(vmId, testSpec, host.context)).rejects.not.toThrow("old news");
  });

  it("names the package where QEMU is missing", async () => {
    const vmId = await host.addVm(idles);
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      await expect(Machine.start(vmId, testSpec, host.context)).rejects.toThrow(
        "qemu-system-x86_64 is not installed on this host (Debian: qemu-system-x86)",
      );
    } finally {
      process.env["PATH"] = path;
    }
  });
});

it("hands its serial console to whoever connects, and logs it besides", async () => {
  const machine = await host.start(idles);
  const socket = connect(host.paths.vm(machine.vmId).serial);
  await once(socket, "connect");
  socket.destroy();

  expect(existsSync(host.paths.vm(machine.vmId).serialLog)).toBe(true);
  expect(await machine.power()).toBe("running");
});

/** Local addresses of the process' sockets that listen on TCP. */
function listeningTcpSockets(pid: number): string[] {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => inodeOf(`/proc/${pid}/fd/${fd}`)));
  return ["tcp", "tcp6"].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && inodes.has(Number(fields[9])))
      .map((fields) => fields[1] ?? ""),
  );
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}
