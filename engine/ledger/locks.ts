/**
 * What waits for other partitions: payments and their operations; transfers that a chain posts, voids or reverts. Whatever else is
 * asked of them waits its turn.
 */
export class Locks {
  /** By id: position of the request that holds it. */
  readonly #holders = new Map<string, number>();

  get empty(): boolean {
    return this.#holders.size === 0;
  }

  /** Position of the request that holds the id at word `at`; 0 = none. */
  holderOf(words: Uint32Array, at: number): number {
    return this.#holders.size === 0 ? 0 : (this.#holders.get(keyOf(words, at)) ?? 0);
  }

  hold(words: Uint32Array, at: number, lsn: number): void {
    this.#holders.set(keyOf(words, at), lsn);
  }

  /** Frees the id at word `at`. */
  free(words: Uint32Array, at: number): void {
    this.#holders.delete(keyOf(words, at));
  }

  /** Frees whatever the request at `lsn` holds. */
  release(lsn: number): void {
    for (const [id, holder] of this.#holders) if (holder === lsn) this.#holders.delete(id);
  }

  /** Frees whatever requests from `lsn` on hold: for a dry run. */
  rewind(lsn: number): void {
    for (const [id, holder] of this.#holders) if (holder >= lsn) this.#holders.delete(id);
  }
}

function keyOf(words: Uint32Array, at: number): string {
  return words.subarray(at, at + 4).join();
}
