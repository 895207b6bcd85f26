/** Answers counted by their result code. */
import { Code, resultName } from '../../protocol/results.ts';

const CODES = 2048;

export class Tally {
  readonly #counts = new Float64Array(CODES);
  /** Requests whose connection ended, or whose answer made no sense. */
  lost = 0;

  add(code: number, count: number): void {
    this.#counts[code & (CODES - 1)] = (this.#counts[code & (CODES - 1)] as number) + count;
  }

  /** Everything that is not `ok`. */
  get errors(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0) - (this.#counts[Code.ok] as number) + this.lost;
  }

  /** By name; codes that did not come up are left out. */
  byName(): Record<string, number> {
    const named: Record<string, number> = {};
    this.#counts.forEach((count, code) => {
      if (count > 0) named[resultName(code) ?? String(code)] = count;
    });
    if (this.lost > 0) named.lost = this.lost;
    return named;
  }
}
