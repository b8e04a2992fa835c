/** Colours, for people at a terminal who have not asked for none (https://no-color.org). */
import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

const { NO_COLOR, TERM } = process.env;

export function style(format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return stream.isTTY && !NO_COLOR && TERM !== "dumb" ? styleText(format, text) : text;
}

const statusColours: Readonly<Record<string, Format>> = {
  running: "green",
  online: "green",
  succeeded: "green",
  active: "green",
  error: "red",
  failed: "red",
  offline: "red",
  unknown: "red",
  disabled: "red",
  paused: "yellow",
  cancelled: "yellow",
  queued: "yellow",
};

export function status(text: string): string {
  const format = statusColours[text];
  return format === undefined ? text : style(format, text);
}
