/** An index that takes what is put into it for itself: what is below is read and never changed. */
import type { KeyIndex } from './key-index.ts';

export class Overlay implements KeyIndex {
  readonly #below: KeyIndex;
  readonly #put = new Map<string, number>();

  constructor(below: KeyIndex) {
    this.#below = below;
  }

  get(w0: number, w1: number, w2: number, w3: number): number {
    return this.#put.get(nameOf(w0, w1, w2, w3)) ?? this.#below.get(w0, w1, w2, w3);
  }

  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    this.#put.set(nameOf(w0, w1, w2, w3), lsn);
  }

  /** Forgets all that was put. */
  clear(): void {
    this.#put.clear();
  }
}

function nameOf(w0: number, w1: number, w2: number, w3: number): string {
  return `${w0}.${w1}.${w2}.${w3}`;
}
