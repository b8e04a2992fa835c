/**
 * What a command prints: tables and sentences for people, JSON for `--json`, ids alone for `--quiet`. The result goes to stdout,
 * everything else to stderr.
 */
import { safeJson, safeText } from "./safe-text.ts";
import { style } from "./style.ts";
import { table } from "./table.ts";

export interface Column<T> {
  readonly title: string;
  readonly of: (entry: T) => string;
  /** Applied to what is shown, after it was made harmless. */
  readonly style?: (text: string) => string;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly raw?: boolean;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #raw: boolean;

  constructor({ json = false, quiet = false, raw = false }: OutputOptions) {
    this.json = json;
    this.quiet = quiet;
    this.#raw = raw;
  }

  /** `none` is said where there is nothing, to people only. */
  async list<T extends object>(
    entries: readonly T[],
    columns: readonly Column<T>[],
    none: string,
    idOf: (entry: T) => string,
  ) {
    if (this.json) return this.data(entries);
    if (this.quiet) return entries.forEach((entry) => this.line(idOf(entry)));
    if (entries.length === 0) return this.note(none);
    const rows = entries.map((entry) => columns.map((column) => this.#cell(column, entry)));
    process.stdout.write(
      `${await table(
        columns.map(({ title }) => style("bold", title)),
        rows,
      )}\n`,
    );
  }

  /** One thing, a field a line. */
  async record<T extends object>(value: T, columns: readonly Column<T>[], id: string) {
    if (this.json) return this.data(value);
    if (this.quiet) return this.line(id);
    const rows = columns.map((column) => [style("bold", column.title), this.#cell(column, value)]);
    process.stdout.write(`${await table(null, rows)}\n`);
  }

  /** What has come of it. */
  done(sentence: string, value: unknown, id?: string): void {
    if (this.json) this.data(value);
    else if (!this.quiet) this.line(sentence);
    else if (id !== undefined) this.line(id);
  }

  data(value: unknown): void {
    process.stdout.write(`${safeJson(value, 2)}\n`);
  }

  /** One JSON document a line, as streams of them are written. */
  dataLine(value: unknown): void {
    process.stdout.write(`${safeJson(value)}\n`);
  }

  line(text: string): void {
    process.stdout.write(`${this.#harmless(text)}\n`);
  }

  /** For people, beside the result. */
  note(text: string): void {
    if (!this.quiet && !this.json) process.stderr.write(`${this.#harmless(text)}\n`);
  }

  #cell<T>({ of, style: dress }: Column<T>, entry: T): string {
    const text = this.#harmless(of(entry));
    return dress ? dress(text) : text;
  }

  #harmless(text: string): string {
    return this.#raw ? text : safeText(text);
  }
}
