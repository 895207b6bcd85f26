/** How long to wait before the next attempt: twice as long each time, and never at the same moment as everyone else. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: () => number;
  #attempts = 0;

  /** `random`: 0 ≤ r < 1. */
  constructor({ firstMs, mostMs }: { readonly firstMs: number; readonly mostMs: number }, random: () => number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#random = random;
  }

  /** From half of the delay to all of it. */
  next(): number {
    const whole = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return Math.ceil(whole / 2 + (this.#random() * whole) / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
