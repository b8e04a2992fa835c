/** What clients say of consoles on `/ws`, in terms of the streams behind them. */
import type { ClientMessage } from "../../protocol/client-socket.ts";
import type { StreamControl, StreamTarget } from "../../protocol/streams.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleWish } from "./hub-consoles.ts";

type Data<T extends ClientMessage["type"]> = Extract<ClientMessage, { type: T }>["data"];
/** A terminal that doesn't say how large it is. */
const usual = { cols: 80, rows: 24 };

export function screenWish(
  { vmId: called, viewOnly = false }: Data<"vnc-connect">,
  id: string | undefined,
): ConsoleWish {
  const targetOf = (vmId: string) => ({ kind: "vnc" as const, vmId, viewOnly });
  return { called, viewOnly, kind: "vnc", requestId: id ?? null, targetOf };
}

/** Errors: INVALID_REQUEST_PARAMS. */
export function terminalWish(data: Data<"terminal-connect">, id: string | undefined): ConsoleWish {
  return { called: data.vmId, viewOnly: false, kind: data.type, requestId: id ?? null, targetOf: terminalTarget(data) };
}

function terminalTarget(data: Data<"terminal-connect">): (vmId: string) => StreamTarget {
  const { type, credentials, takeOver = false, cols = usual.cols, rows = usual.rows } = data;
  if (type === "serial") return (vmId) => ({ kind: "serial", vmId, write: takeOver ? "take-over" : "if-free" });
  if (!credentials) throw new ApiError("INVALID_REQUEST_PARAMS", "data.credentials: a login over SSH needs them");
  return (vmId) => ({ kind: "ssh", vmId, credentials, cols, rows });
}

export function inputControl(input: Data<"vnc-input">): StreamControl {
  switch (input.inputType) {
    case "mouse":
      return { type: "mouse", x: input.x, y: input.y, buttons: input.buttons };
    case "keyboard":
      return { type: "key", key: input.key, down: input.down };
    case "text":
      return { type: "text", text: input.text };
  }
}
