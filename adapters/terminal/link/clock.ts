/** Time as links see it, so that tests can move it. */
export interface LinkClock {
  /** Milliseconds that never go back; for timers only. */
  now(): number;
  /** The date, for DE7. */
  date(): Date;
  /** Runs once, later. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: LinkClock = {
  now: () => performance.now(),
  date: () => new Date(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
