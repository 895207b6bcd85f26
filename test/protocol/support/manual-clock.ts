import type { Clock } from '../../../protocol/client/clock.ts';

/** Time that stands still until the test moves it. */
export class ManualClock implements Clock {
  #now = 1000;
  #timers: { at: number; run: () => void }[] = [];
  #watchers: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    for (const watcher of this.#watchers.splice(0)) watcher();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How far ahead each timer is, soonest first. */
  get pending(): number[] {
    return this.#timers.map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Resolves when a timer is set that is at most this far ahead. */
  async timerWithin(ms: number): Promise<void> {
    while (!this.pending.some((ahead) => ahead <= ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Moves time and runs what falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}
