/**
 * A strict reader of CSV (RFC 4180):
 *
 *     file   := [ BOM ] record { line-end record } [ line-end ]        line-end := CRLF | LF
 *     record := field { separator field }
 *     field  := text without quote, separator and line end | quote { text | quote quote } quote
 *
 * What is not of this form is refused with its line and column (both from 1; a column counts characters), and never guessed at.
 */

export interface CsvRecord {
  /** Line on which it begins. */
  readonly line: number;
  readonly fields: readonly string[];
}

export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number, problem: string) {
    super(`line ${line}, column ${column}: ${problem}`);
    this.line = line;
    this.column = column;
  }
}

const QUOTE = '"';
const BOM = '\ufeff';

/** The records of a text; empty lines at its end are none. Throws CsvError. */
export function* readCsv(text: string, separator = ','): Generator<CsvRecord, void, undefined> {
  const reader = new Reader(text, separator);
  while (!reader.done) yield reader.record();
}

class Reader {
  readonly #text: string;
  readonly #separator: string;
  #at: number;
  #line = 1;
  #lineStart: number;

  constructor(text: string, separator: string) {
    this.#text = text;
    this.#separator = separator;
    this.#at = text.startsWith(BOM) ? 1 : 0;
    this.#lineStart = this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  record(): CsvRecord {
    const line = this.#line;
    const fields: string[] = [];
    for (;;) {
      fields.push(this.#text[this.#at] === QUOTE ? this.#quoted() : this.#plain());
      if (this.#text[this.#at] !== this.#separator) break;
      this.#at++;
    }
    if (!this.done) this.#lineEnd();
    return { line, fields };
  }

  #plain(): string {
    const start = this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (character === this.#separator || character === '\n' || character === '\r') break;
      if (character === QUOTE) throw this.#error('a quote inside a field that does not begin with one');
    }
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    const open = this.#error('this quote is never closed');
    let value = '';
    this.#at++;
    for (;;) {
      const end = this.#text.indexOf(QUOTE, this.#at);
      if (end < 0) throw open;
      value += this.#passed(end);
      this.#at = end + 1;
      if (this.#text[this.#at] !== QUOTE) break;
      value += QUOTE;
      this.#at++;
    }
    const next = this.#text[this.#at];
    if (next !== undefined && next !== this.#separator && next !== '\n' && next !== '\r') {
      throw this.#error('something follows the closing quote');
    }
    return value;
  }

  /** The text up to `end`, with its lines counted. */
  #passed(end: number): string {
    const part = this.#text.slice(this.#at, end);
    for (let at = part.indexOf('\n'); at >= 0; at = part.indexOf('\n', at + 1)) {
      this.#line++;
      this.#lineStart = this.#at + at + 1;
    }
    return part;
  }

  #lineEnd(): void {
    if (this.#text[this.#at] === '\r') {
      if (this.#text[this.#at + 1] !== '\n') throw this.#error('a carriage return without a line feed');
      this.#at++;
    }
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #error(problem: string): CsvError {
    return new CsvError(this.#line, this.#at - this.#lineStart + 1, problem);
  }
}
