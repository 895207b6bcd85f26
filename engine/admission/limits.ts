/** Bounds on what callers may ask for. Pure: the clock comes from outside. */

export interface RateLimit {
  /** Requests a second that a caller may keep up. */
  readonly perSecond: number;
  /** Requests that may come at once after a pause. */
  readonly burst: number;
}

export interface RateLimitSettings {
  /** For institutions without a limit of their own; without it they have none. */
  readonly default?: RateLimit;
  readonly institutions?: ReadonlyMap<number, RateLimit>;
}

interface Bucket {
  readonly limit: RateLimit;
  tokens: number;
  filledAtMs: number;
}

/**
 * A token bucket for each institution. Buckets are as many as institutions that have a key, so they are bounded.
 * A clock that goes back gives nothing and takes nothing.
 */
export class RateLimiter {
  readonly #settings: RateLimitSettings;
  readonly #now: () => number;
  readonly #buckets = new Map<number, Bucket>();

  /** `nowMs` is a monotonic clock in milliseconds. */
  constructor(settings: RateLimitSettings, nowMs: () => number) {
    for (const limit of [settings.default, ...(settings.institutions?.values() ?? [])]) {
      if (limit !== undefined && !(limit.perSecond > 0 && limit.burst >= 1)) {
        throw new RangeError(`a rate limit needs perSecond > 0 and burst >= 1: ${JSON.stringify(limit)}`);
      }
    }
    this.#settings = settings;
    this.#now = nowMs;
  }

  /** Takes a token of the institution: 0 when it may go on, else the milliseconds until it may. */
  take(institution: number): number {
    const bucket = this.#bucket(institution);
    if (bucket === undefined) return 0;
    const now = this.#now();
    const elapsedMs = now - bucket.filledAtMs;
    if (elapsedMs > 0) {
      bucket.tokens = Math.min(bucket.limit.burst, bucket.tokens + (elapsedMs * bucket.limit.perSecond) / 1000);
    }
    bucket.filledAtMs = now;
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / bucket.limit.perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  #bucket(institution: number): Bucket | undefined {
    const known = this.#buckets.get(institution);
    if (known !== undefined) return known;
    const limit = this.#settings.institutions?.get(institution) ?? this.#settings.default;
    if (limit === undefined) return undefined;
    const bucket = { limit, tokens: limit.burst, filledAtMs: this.#now() };
    this.#buckets.set(institution, bucket);
    return bucket;
  }
}

/** Counts what is held at once (requests of a session, sessions, buffered bytes) against a bound. */
export class Gauge {
  readonly max: number;
  #held = 0;

  constructor(max: number) {
    if (!Number.isSafeInteger(max) || max < 1)
      throw new RangeError(`a bound must be a whole number from 1, not ${max}`);
    this.max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** Takes `amount` when that much is free; false takes nothing. */
  enter(amount = 1): boolean {
    if (this.#held + amount > this.max) return false;
    this.#held += amount;
    return true;
  }

  /** Gives back what `enter` took. */
  leave(amount = 1): void {
    this.#held -= amount;
    if (this.#held < 0) throw new Error('a bound was given back more than was taken');
  }
}
