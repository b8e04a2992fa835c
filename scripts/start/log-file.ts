/** A child's output: all of it in a file, and its errors on the terminal, as long as they are few enough to read. */
import { createWriteStream, renameSync, statSync, type WriteStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Beyond it a start puts the file aside, in place of the one that it put aside before. */
const maxBytes = 10 * 1_048_576;
const shownLines = 8;
const shownWindowMs = 10_000;
const shownCharacters = 300;

export class LogFile {
  readonly #path: string;
  readonly #stream: WriteStream;
  readonly #show: (line: string) => void;
  #windowStart = 0;
  #shown = 0;

  constructor(path: string, show: (line: string) => void) {
    this.#path = path;
    this.#show = show;
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) renameSync(path, `${path}.1`);
    this.#stream = createWriteStream(path, { flags: "a", mode: 0o600 });
    // A full disk must not end the supervisor.
    this.#stream.on("error", () => {});
  }

  take(stdout: Readable, stderr: Readable): void {
    createInterface(stdout).on("line", (line) => this.#stream.write(`${line}\n`));
    createInterface(stderr).on("line", (line) => {
      this.#stream.write(`${line}\n`);
      if (line.trim() === "") return;
      this.#showSome(line);
    });
  }

  write(line: string): void {
    this.#stream.write(`${new Date().toISOString()} ${line}\n`);
  }

  #showSome(line: string): void {
    const now = performance.now();
    if (now - this.#windowStart > shownWindowMs) [this.#windowStart, this.#shown] = [now, 0];
    this.#shown += 1;
    if (this.#shown < shownLines) this.#show(readable(line));
    else if (this.#shown === shownLines) this.#show(`… more in logs/${basename(this.#path)}`);
  }
}

/** The file has the time, and all of it. */
function readable(line: string): string {
  const text = line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, "");
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message.slice(0, shownCharacters);
  } catch {
    // Not every line is a record of the Worker.
  }
  return text.slice(0, shownCharacters);
}
