/**
 * When holds end by themselves: a binary heap of (deadline, id of the hold) on typed arrays. An entry is a reminder, not a
 * fact: its hold may be gone when it comes up. Reminders of holds that are gone are thrown out before they outnumber the holds.
 */

const INITIAL_CAPACITY = 1024;
/** Reminders that may be stale whatever the number of holds. */
const STALE_MIN = 1024;

export class Timers {
  count = 0;
  deadline = new Float64Array(INITIAL_CAPACITY);
  keys = new Uint32Array(INITIAL_CAPACITY * 4);

  /** Earliest deadline, or Infinity. */
  get next(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.deadline[0] as number);
  }

  schedule(deadline: number, w0: number, w1: number, w2: number, w3: number): void {
    if (this.count === this.deadline.length) this.#grow();
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.deadline[parent] as number) <= deadline) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#set(at, deadline, w0, w1, w2, w3);
  }

  /** Removes the earliest entry; read it before (`next`, `keys[0…3]`). */
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

  /** Keeps the entries of holds that are there, once the others are the larger part. `holds` is how many there are. */
  prune(holds: number, isHeld: (w0: number, w1: number, w2: number, w3: number) => boolean): void {
    if (this.count <= 2 * holds + STALE_MIN) return;
    const { deadline, keys } = this;
    const count = this.count;
    this.count = 0;
    // Rebuilt in place: an entry never lands behind the one that is being read.
    for (let at = 0; at < count; at++) {
      const key = at << 2;
      const w0 = keys[key] as number;
      const w1 = keys[key + 1] as number;
      const w2 = keys[key + 2] as number;
      const w3 = keys[key + 3] as number;
      if (isHeld(w0, w1, w2, w3)) this.schedule(deadline[at] as number, w0, w1, w2, w3);
    }
  }

  #copy(from: number, to: number): void {
    this.deadline[to] = this.deadline[from] as number;
    this.keys.copyWithin(to << 2, from << 2, (from << 2) + 4);
  }

  #set(at: number, deadline: number, w0: number, w1: number, w2: number, w3: number): void {
    this.deadline[at] = deadline;
    const key = at << 2;
    this.keys[key] = w0;
    this.keys[key + 1] = w1;
    this.keys[key + 2] = w2;
    this.keys[key + 3] = w3;
  }

  #grow(): void {
    const capacity = this.deadline.length * 2;
    const deadline = new Float64Array(capacity);
    deadline.set(this.deadline);
    this.deadline = deadline;
    const keys = new Uint32Array(capacity * 4);
    keys.set(this.keys);
    this.keys = keys;
  }
}
