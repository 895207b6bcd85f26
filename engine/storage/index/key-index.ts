/**
 * From a 128-bit key to the newest position in the journal that was put for it:
 *
 *     memtable ──▶ frozen memtable ──▶ segments, newest first
 *     (written)    (being stored)      (LMDB: range, filter, one page)
 *
 * Synchronous, for the partition's own thread. A key found in one of them hides what the later ones say.
 */
import { hashId } from '../../hash-id.ts';
import { hashKeyAgain } from './key-hash.ts';
import { type FrozenMemtable, Memtable } from './memtable.ts';
import type { Segment } from './segment.ts';

const SEGMENTS_AT_ONCE = 31;

export class KeyIndex {
  /** Entries that the memtable holds at most. */
  readonly memtableBound: number;
  readonly #hashSeed: number;
  #memtable: Memtable;
  #frozen: Memtable | undefined;
  /** An empty table that waits to be the memtable again. */
  #spare: Memtable | undefined;
  #segments: readonly Segment[] = [];
  /**
   * The greatest key that was ever put: what is greater is new, without a look anywhere. Time-ordered ids mostly are, and that
   * look was a quarter of the time of a transfer.
   */
  readonly #top = new Uint32Array(4);
  /** What is put for positions before this one is in the segments already. */
  #storedUpTo = 0;

  /** @param options.hashSeed u32 of the data directory, the same that the segments are written with */
  constructor(options: { readonly memtableBound: number; readonly hashSeed: number }) {
    this.memtableBound = options.memtableBound;
    this.#hashSeed = options.hashSeed;
    this.#memtable = this.#newMemtable();
  }

  get memtableCount(): number {
    return this.#memtable.count;
  }

  /** Entries that were frozen and are not installed as a segment yet. */
  get frozenCount(): number {
    return this.#frozen?.count ?? 0;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Bytes reserved for the memtables. */
  get memtableBytes(): number {
    return this.#memtable.bytes + (this.#frozen?.bytes ?? 0) + (this.#spare?.bytes ?? 0);
  }

  /**
   * The LSN of the key; 0 = never put.
   *
   * @throws StorageDamageError when the page that would say is damaged
   */
  get(w0: number, w1: number, w2: number, w3: number): number {
    if (this.#isBeyond(w0, w1, w2, w3)) return 0;
    const recent = this.#memtable.get(w0, w1, w2, w3);
    if (recent !== 0) return recent;
    if (this.#frozen !== undefined) {
      const frozen = this.#frozen.get(w0, w1, w2, w3);
      if (frozen !== 0) return frozen;
    }
    return this.#segments.length === 0 ? 0 : this.#findInSegments(w0, w1, w2, w3);
  }

  /**
   * Puts the key, or gives it a new LSN. Does nothing for an LSN that the segments of the checkpoint have: see `storedUpTo`.
   *
   * @throws RangeError when the memtable is full: its owner freezes it before that, or refuses work while it cannot
   */
  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    if (lsn < this.#storedUpTo) return;
    this.#memtable.put(w0, w1, w2, w3, lsn);
    this.#reach(w0, w1, w2, w3);
  }

  /**
   * Begins an empty memtable and returns the entries of the full one, to be stored. Look-ups still find them.
   *
   * @returns undefined when there is nothing to store, or when the last frozen table is not installed yet
   */
  freeze(): FrozenMemtable | undefined {
    if (this.#frozen !== undefined || this.#memtable.count === 0) return undefined;
    const frozen = this.#memtable;
    this.#memtable = this.#spare ?? this.#newMemtable();
    this.#spare = undefined;
    this.#frozen = frozen;
    return frozen.freeze();
  }

  /**
   * Takes the segments of a new checkpoint, newest first, which hold what was frozen. The frozen table's memory is
   * used again, so no thread may be reading it any more.
   */
  install(segments: readonly Segment[]): void {
    this.#segments = segments;
    for (const { meta } of segments) this.#reach(...meta.max);
    if (this.#frozen === undefined) return;
    this.#frozen.clear();
    this.#spare = this.#frozen;
    this.#frozen = undefined;
  }

  /** The segments have everything before `lsn`: for a replay that begins earlier, because the state is older. */
  storedUpTo(lsn: number): void {
    this.#storedUpTo = lsn;
  }

  #isBeyond(w0: number, w1: number, w2: number, w3: number): boolean {
    const top = this.#top;
    if (w3 !== top[3]) return w3 > (top[3] as number);
    if (w2 !== top[2]) return w2 > (top[2] as number);
    if (w1 !== top[1]) return w1 > (top[1] as number);
    return w0 > (top[0] as number);
  }

  #reach(w0: number, w1: number, w2: number, w3: number): void {
    if (!this.#isBeyond(w0, w1, w2, w3)) return;
    const top = this.#top;
    top[0] = w0;
    top[1] = w1;
    top[2] = w2;
    top[3] = w3;
  }

  #findInSegments(w0: number, w1: number, w2: number, w3: number): number {
    const segments = this.#segments;
    for (let from = 0; from < segments.length; from += SEGMENTS_AT_ONCE) {
      let candidates = this.#candidates(from, w0, w1, w2, w3);
      for (let i = from; candidates !== 0; i++, candidates >>>= 1) {
        if ((candidates & 1) === 0) continue;
        const lsn = (segments[i] as Segment).find(w0, w1, w2, w3);
        if (lsn !== 0) return lsn;
      }
    }
    return 0;
  }

  /** Which of the segments from `from` on may hold the key, one bit each. All filters are asked before one answer is used. */
  #candidates(from: number, w0: number, w1: number, w2: number, w3: number): number {
    const segments = this.#segments;
    const to = Math.min(segments.length, from + SEGMENTS_AT_ONCE);
    let candidates = 0;
    for (let i = from; i < to; i++) {
      if ((segments[i] as Segment).covers(w0, w1, w2, w3)) candidates |= 1 << (i - from);
    }
    if (candidates === 0) return 0;
    const a = hashId(w0, w1, w2, w3, this.#hashSeed);
    const b = hashKeyAgain(w0, w1, w2, w3, this.#hashSeed);
    let held = 0;
    for (let i = from; i < to; i++) {
      if (((candidates >>> (i - from)) & 1) !== 0) held |= (segments[i] as Segment).mayHold(a, b) << (i - from);
    }
    return held;
  }

  #newMemtable(): Memtable {
    return new Memtable({ bound: this.memtableBound, hashSeed: this.#hashSeed });
  }
}
