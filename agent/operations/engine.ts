/**
 * Carries out one operation, from wherever the journal says that an earlier life of the agent left it.
 *
 * Each step is marked before and after its effect. A step that was begun and not marked as ended is looked at
 * again and done if it is missing; one that must not happen twice ends the operation as `unknown`.
 */
import type { Outcome } from "../../protocol/agent-link.ts";
import { type OperationKind, operationInputs } from "../../protocol/operations.ts";
import { crashPoint } from "../crash-point.ts";
import { HostError, toHostError } from "../errors.ts";
import type { Journal, JournalOperation, StepPhase } from "../journal.ts";
import { handlers } from "./index.ts";
import type { Host, OperationContext, Step } from "./operation.ts";

export interface Progress {
  readonly operationId: string;
  readonly percent: number;
  readonly step: string;
  readonly message: string;
}

export interface Engine {
  readonly journal: Journal;
  readonly host: Host;
  readonly onProgress: (progress: Progress) => void;
}

/** Never throws: every failure of host work becomes the operation's outcome, and is in the journal when this returns. */
export async function runOperation(operation: JournalOperation, engine: Engine): Promise<void> {
  const outcome = await outcomeOf(operation, engine);
  const vm = await engine.host.vms.report(operation.vmId);
  crashPoint(`${operation.kind}:done:before`);
  engine.journal.finish(operation.id, outcome, vm);
  crashPoint(`${operation.kind}:done:after`);
}

async function outcomeOf(operation: JournalOperation, engine: Engine): Promise<Outcome> {
  const steps = handlers[operation.kind].steps as readonly Step[];
  const context = contextOf(operation, engine, steps);
  if (context === null) return failure(new HostError("INVALID_ORDER", "The journalled order is not valid"));

  if (operation.state !== "undoing") {
    try {
      return await runSteps(operation, engine.journal, steps, context);
    } catch (error) {
      engine.journal.undo(operation.id, failure(error));
      operation = { ...operation, outcome: failure(error) };
    }
  }
  return undoSteps(operation, engine.journal, steps, context);
}

async function runSteps(
  operation: JournalOperation,
  journal: Journal,
  steps: readonly Step[],
  context: StepContext,
): Promise<Outcome> {
  let pending: [string, StepPhase][] = [];
  for (const [index, step] of steps.entries()) {
    const phase = journal.phase(operation.id, step.name);
    if (phase === "after") continue;

    context.enter(index, step.name);
    if (await step.isDone?.(context)) {
      pending.push([step.name, "after"]);
      continue;
    }
    if (phase === "before" && step.once) {
      return {
        status: "unknown",
        code: "OUTCOME_UNKNOWN",
        message: `The agent ended during '${step.name}', which may have taken effect and must not be repeated`,
        result: null,
      };
    }
    journal.mark(operation.id, [...pending, [step.name, "before"]]);
    crashPoint(`${operation.kind}:${step.name}:before`);
    await step.run(context);
    crashPoint(`${operation.kind}:${step.name}:after`);
    pending = [[step.name, "after"]];
  }
  // The last step's end needs no mark of its own: the operation's end is written next.
  return { status: "succeeded", code: null, message: null, result: context.result };
}

async function undoSteps(
  operation: JournalOperation,
  journal: Journal,
  steps: readonly Step[],
  context: OperationContext,
): Promise<Outcome> {
  const outcome = operation.outcome as Outcome;
  for (const step of steps.toReversed()) {
    if (!step.undo || journal.phase(operation.id, step.name) === null) continue;
    try {
      crashPoint(`${operation.kind}:${step.name}:undo`);
      await step.undo(context);
    } catch (error) {
      const message = `${outcome.message}. Taking back '${step.name}' failed too: ${(error as Error).message}`;
      return { ...outcome, message: message.slice(0, 2000) };
    }
  }
  return outcome;
}

interface StepContext extends OperationContext {
  enter(index: number, step: string): void;
}

function contextOf(operation: JournalOperation, engine: Engine, steps: readonly Step[]): StepContext | null {
  const input = operationInputs[operation.kind as OperationKind]?.safeParse(operation.input);
  if (!input?.success) return null;
  let index = 0;
  let name = "";
  return {
    vmId: operation.vmId,
    generation: operation.generation,
    input: input.data,
    host: engine.host,
    result: {},
    enter(stepIndex, step) {
      [index, name] = [stepIndex, step];
    },
    progress(percent, message) {
      const overall = Math.floor(((index + percent / 100) / steps.length) * 100);
      engine.onProgress({ operationId: operation.id, percent: overall, step: name, message: message.slice(0, 500) });
    },
  };
}

function failure(error: unknown): Outcome {
  const { code, message } = toHostError(error);
  return { status: "failed", code, message: message.slice(0, 2000), result: null };
}
