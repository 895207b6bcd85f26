/** Indexes as the state machine sees them: from a 128-bit key to the newest event that speaks of it. */

/** Keys are four u32 words, least significant first; positions are LSNs, 0 = none. */
export interface KeyIndex {
  get(w0: number, w1: number, w2: number, w3: number): number;
  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void;
}

/** Looks up the id at word `at`. */
export function find(index: KeyIndex, words: Uint32Array, at: number): number {
  return index.get(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number);
}

/** Enters the id at word `at`, or gives it a new position. */
export function enter(index: KeyIndex, words: Uint32Array, at: number, lsn: number): void {
  index.put(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number, lsn);
}
