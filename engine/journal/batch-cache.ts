/** Where a batch is: `address` 0 means that it is not in a place of its own (see BatchStore). */
export interface BatchPlace {
  readonly start: number;
  /** The LSN after its last byte. */
  readonly end: number;
  readonly address: number;
}

/**
 * A bounded sorted table from LSN ranges to the place of the batch that covers them. When it is full, what was not
 * looked up since the last time goes. 25 bytes an entry, in typed arrays.
 */
export class BatchCache {
  readonly #capacity: number;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #addresses: Float64Array;
  readonly #used: Uint8Array;
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#addresses = new Float64Array(capacity);
    this.#used = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The batch that covers `lsn`, when it is known. */
  find(lsn: number): BatchPlace | undefined {
    const index = this.#upperBound(lsn) - 1;
    const end = this.#ends[index];
    if (end === undefined || lsn >= end) return undefined;
    this.#used[index] = 1;
    return { start: this.#starts[index] ?? 0, end, address: this.#addresses[index] ?? 0 };
  }

  add(place: BatchPlace): void {
    if (this.#size === this.#capacity) this.#evict();
    const index = this.#upperBound(place.start);
    if (index > 0 && this.#starts[index - 1] === place.start) return;
    for (const column of [this.#starts, this.#ends, this.#addresses, this.#used]) {
      column.copyWithin(index + 1, index, this.#size);
    }
    this.#starts[index] = place.start;
    this.#ends[index] = place.end;
    this.#addresses[index] = place.address;
    this.#used[index] = 1;
    this.#size++;
  }

  /** Index of the first start above `lsn`. */
  #upperBound(lsn: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= lsn) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Keeps what was used, at most half of the table, and forgets that it was. */
  #evict(): void {
    let kept = 0;
    for (let index = 0; index < this.#size; index++) {
      // When nearly everything was used, every second entry goes, so that there is always room afterwards.
      if (this.#used[index] === 0 || kept * 2 > index) continue;
      this.#starts[kept] = this.#starts[index] ?? 0;
      this.#ends[kept] = this.#ends[index] ?? 0;
      this.#addresses[kept] = this.#addresses[index] ?? 0;
      kept++;
    }
    this.#used.fill(0);
    this.#size = kept;
  }
}
