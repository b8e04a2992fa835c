/**
 * How much a connection was sent that may not have been read. Nobody else tells: workerd takes whatever it is given.
 *
 * After `askBytes` the client is asked for a sign that only who has read the question can give. After `mostBytes`
 * without it, nothing more of its subscriptions goes out. Pure; what it is made of is kept with the socket.
 */
import { socketLimits } from "../../protocol/client-socket.ts";

export interface WindowState {
  /** Bytes since the last answered question. */
  readonly sent: number;
  /** The question that waits for its answer, and what had been sent before it. */
  readonly asked: { readonly id: string; readonly sent: number } | null;
  /** Since when something waits that may not be sent, in ms since 1970. */
  readonly fullSince: number | null;
  /** How many requests were taken since then. */
  readonly late: number;
}

export const emptyWindow: WindowState = { sent: 0, asked: null, fullSince: null, late: 0 };

/** What a message costs beside its text. */
const messageBytes = 128;
const { askBytes, mostBytes, answerMs } = socketLimits.window;

export function isFull({ sent }: WindowState): boolean {
  return sent >= mostBytes;
}

export function afterSending(state: WindowState, text: string): WindowState {
  return { ...state, sent: state.sent + text.length + messageBytes };
}

export function mustAsk({ sent, asked }: WindowState): boolean {
  return asked === null && sent >= askBytes;
}

/** What was sent before the question is read, and what came after it is not known to be. */
export function afterAnswer(state: WindowState, id: string | undefined): WindowState {
  if (state.asked === null || state.asked.id !== id) return state;
  return { ...emptyWindow, sent: state.sent - state.asked.sent };
}

/** When a client that was asked, and for which something waits, has had its time. */
export function deadlineOf({ fullSince }: WindowState): number | null {
  return fullSince === null ? null : fullSince + answerMs;
}
