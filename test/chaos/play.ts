/** Plays rounds on one cloud, one after the other, and lets the oracle judge each. */
import { Cloud, type OperationView, type VmView } from "../e2e/cloud.ts";
import { ApiWatch } from "./api-watch.ts";
import { ChaosHost } from "./chaos-host.ts";
import { Oracle } from "./oracle.ts";
import { type Order, orderOf } from "./orders.ts";
import type { Round } from "./rounds.ts";

/** An edge that was killed is back by then. */
const edgeBackMs = 60_000;
/** A machine of two cores may be busy with other things. */
const answersWithinMs = 30_000;

export class Stage {
  readonly cloud: Cloud;
  readonly host: ChaosHost;
  readonly #oracle: Oracle;
  /** How often a fault-free operation of a kind runs QEMU and qemu-img: no fault may lead to more. */
  readonly #effects = new Map<string, Effects>();
  #machines = 0;
  /** The one that the rounds share, with the size of its disk; null where the next round has to make one. */
  #vm: { id: string; disk: number } | null = null;

  private constructor(cloud: Cloud, host: ChaosHost) {
    this.cloud = cloud;
    this.host = host;
    this.#oracle = new Oracle(host);
  }

  static async set(): Promise<Stage> {
    const cloud = await Cloud.start();
    try {
      return new Stage(cloud, await ChaosHost.join(cloud, "chaos"));
    } catch (error) {
      await cloud.dispose();
      throw error;
    }
  }

  async strike(): Promise<void> {
    await this.host.leave();
    await this.cloud.dispose();
  }

  /** Errors: whatever the oracle finds, with what agent and edge said. */
  async play(round: Round): Promise<void> {
    const watch = new ApiWatch(this.cloud.base);
    this.host.output = "";
    this.host.proxy.seen.length = 0;
    try {
      if (!this.#effects.has(round.kind)) this.#effects.set(round.kind, await this.#rehearse(round));
      await this.#play(round);
    } catch (error) {
      const { message } = error as Error;
      const frames = this.host.proxy.seen.join(" ");
      throw new Error(`${round.name}: ${message}\nframes: ${frames}\nagent:\n${this.host.output.slice(-3000)}`);
    } finally {
      this.host.clearCrashes();
      this.host.proxy.disarm();
      await watch.stop();
    }
    const longest = round.fault.by === "edge" ? edgeBackMs : answersWithinMs;
    if (watch.longestAwayMs > longest) throw new Error(`${round.name}: no answer for ${watch.longestAwayMs} ms`);
  }

  /** The same operation without a fault, to know what it does. */
  async #rehearse({ kind }: Round): Promise<Effects> {
    const { vmId, order } = await this.#prepare(kind);
    const before = vmId === null ? none : this.#count(vmId);
    const operation = await this.#ask(order, vmId);
    await this.#oracle.end(operation.id);
    const made = this.#madeBy(operation);
    return difference(this.#count(made), before);
  }

  async #play(round: Round): Promise<void> {
    const { kind, fault } = round;
    const { vmId, order } = await this.#prepare(kind);
    const before = vmId === null ? none : this.#count(vmId);
    if (fault.by === "frame") this.host.proxy.arm(fault.frame);
    else this.host.crashAt(fault.by === "edge" ? [`${fault.place} hold`] : fault.places);

    const operation = await this.#ask(order, vmId);
    const further = await this.#harm(round, operation);
    const made = this.#madeBy(operation);
    const end = await this.#oracle.end(operation.id);
    if (!(round.ends as readonly string[]).includes(end)) {
      throw new Error(`It ended as ${end}: ${JSON.stringify(await this.cloud.operation(operation.id))}`);
    }
    const isReached = () => !this.host.hasCrashes && !this.host.proxy.isArmed;
    await this.cloud.until("the fault has come", async () => isReached());
    await this.host.online();
    const effects = difference(this.#count(made), before);
    const usual = this.#effects.get(kind) as Effects;
    if (effects.qemu > usual.qemu + further || effects.qemuImg > usual.qemuImg) {
      throw new Error(`Effects ${JSON.stringify(effects)} in place of ${JSON.stringify(usual)}`);
    }
    await this.#oracle.check(made);
    if (end !== "succeeded") await this.#discard(made);
  }

  /** What happens beside the operation itself. Answers how often more QEMU may have been started by that. */
  async #harm({ fault }: Round, operation: OperationView): Promise<number> {
    if (fault.by === "edge") {
      const letGo = await this.host.held();
      const { pid } = this.cloud.process("edge");
      // The edge leads its group, in which workerd is.
      process.kill(-pid, "SIGKILL");
      letGo();
      await this.#edgeIsBack();
    }
    if (fault.by !== "frame") return 0;
    if (fault.role === "session") this.host.proxy.cut();
    if (fault.role === "event") {
      await this.#oracle.end(operation.id);
      for (const { pid } of this.host.qemus(this.#madeBy(operation))) process.kill(pid, "SIGKILL");
    }
    return fault.role === "cancel" ? this.#cancelOne(operation) : 0;
  }

  /** An operation is in its way, so that there is one which has not begun. */
  async #cancelOne(operation: OperationView): Promise<number> {
    const vmId = this.#madeBy(operation);
    await this.#oracle.end(operation.id);
    const slow = await this.cloud.post<OperationView>(`/vms/${vmId}/stop`, { timeout: 3 });
    const behind = await this.cloud.post<OperationView>(`/vms/${vmId}/start`);
    await this.cloud.until("it is with the host", async () => {
      return this.host.proxy.seen.filter((frame) => frame === "> accept").length >= 3;
    });
    await this.cloud.post(`/operations/${behind.body.data.id}/cancel`);
    const ends = [await this.#oracle.end(slow.body.data.id), await this.#oracle.end(behind.body.data.id)];
    if (ends[0] !== "succeeded" || !["cancelled", "succeeded"].includes(ends[1] ?? "")) {
      throw new Error(`Ends of the cancelled and of what was before it: ${ends.join(", ")}`);
    }
    return ends[1] === "succeeded" ? 1 : 0;
  }

  #edgeIsBack(): Promise<void> {
    const isBack = async () => (await fetch(`${this.cloud.base}/health`)).ok;
    return this.cloud.until("the edge is back", isBack, edgeBackMs);
  }

  async #ask({ method, path, body }: Order, vmId: string | null): Promise<OperationView> {
    if (vmId === null) return (await this.#create({ start: true })).operation as OperationView;
    const url = `/vms/${vmId}${path}`;
    const answer = await this.cloud.request<OperationView & VmView>(method, url, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body.error)}`);
    // A changed machine's answer bears the operation, an action's is it.
    return answer.body.data.operation ?? answer.body.data;
  }

  async #create({ start }: { start: boolean }): Promise<VmView> {
    const name = `chaos-${++this.#machines}`;
    const wanted = { name, cpu: 1, memory: 128, disk: 1, os: "tiny", hostId: this.host.id, start };
    const ask = () => this.cloud.post<VmView>("/vms", wanted);
    let answer = await ask();
    // The last round may have killed the agent at its very end, so that it looked online.
    const isTaken = async () => answer.body.error?.code !== "HOST_OFFLINE" || (answer = await ask()).status === 201;
    await this.cloud.until("the host takes a machine", isTaken);
    if (answer.status !== 201) throw new Error(`No machine was made: ${JSON.stringify(answer.body.error)}`);
    return answer.body.data;
  }

  #madeBy(operation: OperationView): string {
    return (operation as OperationView & { resource: { id: string } }).resource.id;
  }

  /** A machine in the state that the kind needs; null for one that it makes. */
  async #prepare(kind: Round["kind"]): Promise<{ vmId: string | null; order: Order }> {
    const order = orderOf(kind, 1);
    if (order.from === "absent") {
      // One machine at a time: those that boot take the processor from each other.
      if (this.#vm) await this.#discard(this.#vm.id);
      return { vmId: null, order };
    }
    const id = await this.#machine();
    await this.#bring(id, order.from);
    const { disk } = (await this.cloud.get<{ disk: number }>(`/vms/${id}`)).body.data;
    return { vmId: id, order: orderOf(kind, disk) };
  }

  async #machine(): Promise<string> {
    const { body } = await this.cloud.get<{ vms: (VmView & { disk: number })[] }>(`/vms?host=${this.host.id}`);
    const found = body.data.vms.find(({ status }) => status !== "error");
    if (found) return (this.#vm = { id: found.id, disk: found.disk }).id;
    for (const { id } of body.data.vms) await this.#discard(id);
    const { id, operation } = await this.#create({ start: false });
    await this.#oracle.end((operation as OperationView).id);
    return (this.#vm = { id, disk: 1 }).id;
  }

  async #bring(id: string, wanted: "stopped" | "running" | "paused"): Promise<void> {
    const { status } = await this.cloud.vm(id);
    if (status === wanted) return;
    const act = async (action: string, body?: object) => {
      const { status: end, error } = await this.cloud.act(id, action, body);
      if (end !== "succeeded") throw new Error(`Preparing: ${action} ${end} ${JSON.stringify(error)}`);
    };
    if (wanted === "stopped") return act("stop", { force: true });
    if (status === "stopped") await act("start");
    if (wanted === "running" && status === "paused") await act("resume");
    if (wanted === "paused") await act("pause");
  }

  async #discard(id: string): Promise<void> {
    const { status, body } = await this.cloud.request<OperationView>("DELETE", `/vms/${id}?force=true`);
    if (status < 300) await this.#oracle.end(body.data.id);
    if (this.#vm?.id === id) this.#vm = null;
  }

  #count(vmId: string): Effects {
    return { qemu: this.host.spawned("qemu-system", vmId), qemuImg: this.host.spawned("qemu-img", vmId) };
  }
}

interface Effects {
  readonly qemu: number;
  readonly qemuImg: number;
}

const none: Effects = { qemu: 0, qemuImg: 0 };

function difference(after: Effects, before: Effects): Effects {
  return { qemu: after.qemu - before.qemu, qemuImg: after.qemuImg - before.qemuImg };
}
