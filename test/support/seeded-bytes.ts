import { Random } from '../../bench/load/random.ts';

/** Bytes, digits and numbers that a seed repeats; tests that use them put the seed into their names. */
export class SeededBytes {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.random.below(256));
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.random.below(10)).join('');
  }

  /** from ≤ n ≤ to. */
  between(from: number, to: number): number {
    return from + this.random.below(to - from + 1);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
