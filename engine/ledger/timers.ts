/**
 * What is to happen at a time: a binary heap of (deadline, kind, 128-bit key) on typed arrays. An entry is a reminder, not
 * a fact: its subject may be gone when it comes up, and the owner of its kind then ignores it.
 */

/** Who is reminded. Numbers are stored in checkpoints: never reuse one. */
export const TimerKinds = { hold: 1, payment: 2 } as const;

const INITIAL_CAPACITY = 1024;

export class Timers {
  count = 0;
  deadline = new Float64Array(INITIAL_CAPACITY);
  kind = new Uint8Array(INITIAL_CAPACITY);
  keys = new Uint32Array(INITIAL_CAPACITY * 4);

  /** Earliest deadline, or Infinity. */
  get next(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.deadline[0] as number);
  }

  schedule(deadline: number, kind: number, w0: number, w1: number, w2: number, w3: number): void {
    if (this.count === this.kind.length) this.#grow();
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.deadline[parent] as number) <= deadline) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#set(at, deadline, kind, w0, w1, w2, w3);
  }

  /** Removes the earliest entry; read it before (`next`, `kind[0]`, `keys[0…3]`). */
  pop(): void {
    const last = --this.count;
    const deadline = this.deadline[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && (this.deadline[child + 1] as number) < (this.deadline[child] as number)) child++;
      if ((this.deadline[child] as number) >= deadline) break;
      this.#copy(child, at);
      at = child;
    }
    if (at !== last) this.#copy(last, at);
  }

  #copy(from: number, to: number): void {
    this.deadline[to] = this.deadline[from] as number;
    this.kind[to] = this.kind[from] as number;
    this.keys.copyWithin(to << 2, from << 2, (from << 2) + 4);
  }

  #set(at: number, deadline: number, kind: number, w0: number, w1: number, w2: number, w3: number): void {
    this.deadline[at] = deadline;
    this.kind[at] = kind;
    const key = at << 2;
    this.keys[key] = w0;
    this.keys[key + 1] = w1;
    this.keys[key + 2] = w2;
    this.keys[key + 3] = w3;
  }

  #grow(): void {
    const capacity = this.kind.length * 2;
    const deadline = new Float64Array(capacity);
    deadline.set(this.deadline);
    this.deadline = deadline;
    const kind = new Uint8Array(capacity);
    kind.set(this.kind);
    this.kind = kind;
    const keys = new Uint32Array(capacity * 4);
    keys.set(this.keys);
    this.keys = keys;
  }
}
