/** Random numbers and choices that cost a few nanoseconds: quality enough to spread load, repeatable by their seed. */

/** Marsaglia's xorshift32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e3779b9;
  }

  /** The next u32. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** 0 ≤ n < bound. */
  below(bound: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * bound);
  }
}

export const DISTRIBUTIONS = ['uniform', 'zipf', 'hot'] as const;
/**
 * How transfers fall on accounts. `uniform`: each alike. `zipf`: the k-th most used in proportion to 1 / k^0.99, as in
 * YCSB. `hot`: one side of every transfer is one of two accounts, the other side any.
 */
export type Distribution = (typeof DISTRIBUTIONS)[number];

const ZIPF_EXPONENT = 0.99;
/** The inverse of the zipf distribution, sampled at this many places. */
const ZIPF_SAMPLES = 2 ** 16;
const HOT_ACCOUNTS = 2;
const REDRAWS = 8;

/** Chooses the two different sides of a transfer among `count` ≥ 2 accounts. */
export class PairPicker {
  debit = 0;
  credit = 0;
  readonly #distribution: Distribution;
  readonly #count: number;
  readonly #random: Random;
  readonly #zipf: Uint32Array;

  constructor(distribution: Distribution, count: number, random: Random) {
    if (count < 2) throw new RangeError(`a transfer needs two accounts, not ${count}`);
    this.#distribution = distribution;
    this.#count = count;
    this.#random = random;
    this.#zipf = distribution === 'zipf' ? zipfTable(count) : new Uint32Array(0);
  }

  /** Sets `debit` and `credit`. */
  next(): void {
    const random = this.#random;
    if (this.#distribution === 'hot') {
      const bits = random.next();
      const hot = bits % HOT_ACCOUNTS;
      const other = random.below(this.#count);
      const hotPays = (bits & 0x100) !== 0;
      this.debit = hotPays ? hot : other;
      this.credit = hotPays ? other : hot;
    } else {
      this.debit = this.#draw();
      this.credit = this.#draw();
      // Drawn again and not moved on, so that the neighbour of a popular account is no more popular for it.
      for (let tries = 0; tries < REDRAWS && this.credit === this.debit; tries++) this.credit = this.#draw();
    }
    if (this.debit === this.credit) this.credit = (this.credit + 1) % this.#count;
  }

  /** One account, as the debit side of `next`. */
  one(): number {
    this.next();
    return this.debit;
  }

  #draw(): number {
    if (this.#distribution === 'uniform') return this.#random.below(this.#count);
    return this.#zipf[this.#random.next() % ZIPF_SAMPLES] as number;
  }
}

function zipfTable(count: number): Uint32Array {
  const weights = Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -ZIPF_EXPONENT);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const table = new Uint32Array(ZIPF_SAMPLES);
  let rank = 0;
  let below = weights[0] as number;
  for (let sample = 0; sample < ZIPF_SAMPLES; sample++) {
    while (rank < count - 1 && below / total <= (sample + 0.5) / ZIPF_SAMPLES) below += weights[++rank] as number;
    table[sample] = rank;
  }
  return table;
}
