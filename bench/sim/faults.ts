/** What is done to a simulated fleet, and when: the script of `npm run sim -- --script file`. */
import * as z from "zod";

const Until = {
  /** How long it lasts; to the end where it is left out. */
  seconds: z.number().min(0).optional(),
};

const Ms = { ms: z.number().min(0).max(600_000) };

const Kind = z.discriminatedUnion("fault", [
  /** Cuts the connection; the agent dials again. */
  z.strictObject({ fault: z.literal("disconnect") }),
  /** The agent ends and begins anew with its journal: what it was doing is done from the journal. */
  z.strictObject({ fault: z.literal("restart") }),
  /** The same, and the journal is gone. */
  z.strictObject({ fault: z.literal("lose-journal") }),
  /** Of the host's machines that run, one dies. */
  z.strictObject({ fault: z.literal("crash-vm") }),
  /** The host reports a machine of another host, in a new session. */
  z.strictObject({ fault: z.literal("report-foreign") }),
  /** Each frame takes so long, either way; their order stays. */
  z.strictObject({ fault: z.literal("delay"), ...Ms, ...Until }),
  /** Each operation takes so long. */
  z.strictObject({ fault: z.literal("slow"), ...Ms, ...Until }),
  /** Each frame of the agent is sent twice. */
  z.strictObject({ fault: z.literal("duplicate"), ...Until }),
  /** This part of the answers (accept, done) gets lost, and the connection with it. */
  z.strictObject({ fault: z.literal("drop-answers"), part: z.number().min(0).max(1), ...Until }),
]);

export const FaultStep = z.intersection(
  z.object({
    /** Seconds from the script's beginning. */
    at: z.number().min(0),
    /** Of the hosts, chosen by chance. */
    percent: z.number().min(0).max(100),
  }),
  Kind,
);
export type FaultStep = z.infer<typeof FaultStep>;
export type Fault = z.infer<typeof Kind>;

export const FaultScript = z.array(FaultStep);
export type FaultScript = z.infer<typeof FaultScript>;

/** What lasts. */
export interface Conditions {
  delayMs: number;
  slowMs: number;
  duplicate: boolean;
  dropPart: number;
}

export const fine: Readonly<Conditions> = { delayMs: 0, slowMs: 0, duplicate: false, dropPart: 0 };
