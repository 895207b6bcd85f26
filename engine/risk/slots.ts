/**
 * What the features of one key keep by row, one beside the other in one array: a payment that reads a dozen of them meets a few cache
 * lines instead of as many as there are columns.
 */
export class Slots {
  /** How many numbers a row has for this feature. */
  readonly count: number;
  #rows: Float64Array = new Float64Array(0);
  #stride = 0;
  #offset = 0;

  constructor(count: number) {
    this.count = count;
  }

  /** Has the numbers stand in `rows`, `stride` to a row, from `offset` on. */
  bind(rows: Float64Array, stride: number, offset: number): void {
    this.#rows = rows;
    this.#stride = stride;
    this.#offset = offset;
  }

  get(row: number, slot: number): number {
    return this.#rows[row * this.#stride + this.#offset + slot] as number;
  }

  set(row: number, slot: number, value: number): void {
    this.#rows[row * this.#stride + this.#offset + slot] = value;
  }

  /** Takes over the numbers of the first `used` rows from where they stood, into where they are to stand from now on. */
  move(used: number, rows: Float64Array, stride: number, offset: number): void {
    for (let row = 0; row < used && this.#stride > 0; row++) {
      const from = row * this.#stride + this.#offset;
      for (let slot = 0; slot < this.count; slot++)
        rows[row * stride + offset + slot] = this.#rows[from + slot] as number;
    }
    this.bind(rows, stride, offset);
  }
}
