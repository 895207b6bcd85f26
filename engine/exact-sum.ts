const HALF = 2 ** 26;

/** The exact sum of integers between −2^53 and 2^53, of up to 2^26 of them, where a plain sum would round. */
export class ExactSum {
  #high = 0;
  #low = 0;

  add(value: number): void {
    const low = value % HALF;
    this.#low += low;
    this.#high += (value - low) / HALF;
  }

  get isZero(): boolean {
    return this.#low % HALF === 0 && this.#high + this.#low / HALF === 0;
  }

  get value(): bigint {
    return BigInt(this.#high) * BigInt(HALF) + BigInt(this.#low);
  }

  /** Decimal digits. */
  get text(): string {
    return String(this.value);
  }
}
