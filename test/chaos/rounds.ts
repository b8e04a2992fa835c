/**
 * Every round of chaos, made from the operation kinds, their steps and the frames of the link.
 *
 * Nothing here is chosen by hand: a new kind, step or frame has its rounds once it exists.
 */
import { handlers } from "../../agent/operations/index.ts";
import type { Step } from "../../agent/operations/operation.ts";
import { AgentFrame, EdgeFrame } from "../../protocol/agent-link.ts";
import { type OperationKind, operationKinds } from "../../protocol/operations.ts";
import type { FrameFault } from "../fakes/link-proxy.ts";

type FrameType = AgentFrame["type"] | EdgeFrame["type"];

export type Fault =
  /** Lines of the agent's crash file. `once`: what was under way may end as unknown. */
  | { readonly by: "agent"; readonly places: readonly string[] }
  | { readonly by: "edge"; readonly place: string }
  | { readonly by: "step"; readonly places: readonly string[] }
  | { readonly by: "frame"; readonly frame: FrameFault; readonly role: FrameRole };

export interface Round {
  /** Tells it apart and says what happens: `vm.start agent killed at vm.start:spawn:after`. */
  readonly name: string;
  readonly kind: OperationKind;
  readonly fault: Fault;
  /** What the operation may end as. */
  readonly ends: readonly ("succeeded" | "failed" | "cancelled" | "unknown")[];
}

/**
 * When a frame comes by. `operation`: in every operation. `session`: when one begins. `cancel`, `event`: on their occasion.
 * `elsewhere`: may be lost, or is not of operations at all.
 */
export type FrameRole = "operation" | "session" | "cancel" | "event" | "elsewhere";

export const frameRoles: Readonly<Record<FrameType, FrameRole>> = {
  ...{ hello: "session", welcome: "session", report: "session", sync: "session" },
  ...{ execute: "operation", accept: "operation", done: "operation", "done-ack": "operation" },
  ...{ cancel: "cancel", cancelled: "cancel" },
  ...{ event: "event", "event-ack": "event" },
  // An order is rejected for what it is, whatever becomes of the line.
  ...{ reject: "elsewhere", progress: "elsewhere", describe: "elsewhere", described: "elsewhere" },
  ...{ "open-stream": "elsewhere", watch: "elsewhere", stats: "elsewhere" },
  ...{ update: "elsewhere", "update-failed": "elsewhere" },
};

export function allRounds(): Round[] {
  return operationKinds.flatMap((kind) => [
    ...agentRounds(kind),
    ...edgeRounds(kind),
    ...stepRounds(kind),
    ...frameRounds(kind),
  ]);
}

/** Where an operation of this kind can be hit, in the order in which it gets there. */
export function placesOf(kind: OperationKind): string[] {
  const around = (place: string) => [`${kind}:${place}:before`, `${kind}:${place}:after`];
  return [
    ...around("journal"),
    ...stepsOf(kind).flatMap(({ name }) => around(name)),
    ...around("done"),
    `${kind}:done-ack:before`,
  ];
}

export function stepsOf(kind: OperationKind): readonly Step[] {
  return handlers[kind].steps as readonly Step[];
}

export function frameTypes(): FrameType[] {
  return [...AgentFrame.options, ...EdgeFrame.options].map(({ shape }) => shape.type.value);
}

function agentRounds(kind: OperationKind): Round[] {
  const mayBeUnknown = stepsOf(kind).some(({ once }) => once);
  return placesOf(kind).map((place) => ({
    name: `${kind} agent killed at ${place}`,
    kind,
    fault: { by: "agent", places: [place] },
    ends: mayBeUnknown ? ["succeeded", "unknown"] : ["succeeded"],
  }));
}

function edgeRounds(kind: OperationKind): Round[] {
  return placesOf(kind).map((place) => ({
    name: `${kind} edge killed at ${place}`,
    kind,
    fault: { by: "edge", place },
    ends: ["succeeded"],
  }));
}

/** Each step fails after its effect, and where earlier ones are taken back, the agent dies in that too. */
function stepRounds(kind: OperationKind): Round[] {
  return stepsOf(kind).flatMap(({ name }, index): Round[] => {
    const failing = `${kind}:${name}:after fail`;
    const failed: Round = {
      name: `${kind} fails at ${name}`,
      kind,
      fault: { by: "step", places: [failing] },
      ends: ["failed"],
    };
    const undone = stepsOf(kind)
      .slice(0, index + 1)
      .filter(({ undo }) => undo);
    const dying = undone.map((step): Round => {
      const place = `${kind}:${step.name}:undo`;
      return {
        name: `${kind} fails at ${name}, and the agent is killed at ${place}`,
        kind,
        fault: { by: "step", places: [failing, place] },
        ends: ["failed"],
      };
    });
    return [failed, ...dying];
  });
}

function frameRounds(kind: OperationKind): Round[] {
  return frameTypes().flatMap((type): Round[] => {
    const role = frameRoles[type];
    // What has nothing to do with the kind is tried with one.
    const isOfKind = role === "operation" || kind === firstKind;
    if (role === "elsewhere" || !isOfKind) return [];
    return (["drop", "double"] as const).map((how) => ({
      name: `${kind} ${type} ${how === "drop" ? "dropped" : "doubled"}`,
      kind,
      fault: { by: "frame", frame: { type, how }, role },
      ends: role === "cancel" ? ["cancelled", "succeeded"] : ["succeeded"],
    }));
  });
}

/** It leaves a machine that runs, of which events can be had. */
const firstKind: OperationKind = "vm.start";
