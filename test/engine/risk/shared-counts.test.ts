// What partitions tell each other to count: every entry once and in order, whatever comes twice.
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../../engine/ledger/events.ts';
import { Counted, newFacts, Subjects } from '../../../engine/risk/facts.ts';
import {
  canonicalCounts,
  countsBytes,
  countsRoute,
  readCounted,
  SharedCounts,
  WAITING_MAX,
} from '../../../engine/risk/shared-counts.ts';

const NO_EVENTS = { read: () => ({ bytes: new Uint8Array(0), offset: 0 }) };

function facts(amount: number, now = 1000) {
  const made = Object.assign(newFacts(), { now, amount, ledger: 156, channel: 3, mcc: 5411 });
  for (const subject of Object.values(Subjects)) made.subjects.fill(subject + 1, subject * 4, subject * 4 + 4);
  made.subjects.copyWithin(Subjects.merchant * 4, Subjects.payee * 4, Subjects.payee * 4 + 4);
  return made;
}

/** The messages in what is to be sent. */
function messagesOf(sent: Uint8Array | undefined): Uint32Array[] {
  if (sent === undefined) return [];
  const view = new DataView(sent.buffer);
  const messages: Uint32Array[] = [];
  for (let at = 0; at < sent.length; ) {
    const bytes = countsBytes(countsRoute(view, at).count);
    messages.push(new Uint32Array(sent.slice(at, at + bytes).buffer));
    at += bytes;
  }
  return messages;
}

/** The other end: what it has counted, by amount. */
class Home {
  readonly counts = new SharedCounts(1, 2);
  readonly amounts: number[] = [];
  readonly events = new EventLog(NO_EVENTS);

  take(message: Uint32Array): void {
    this.events.start(new ArrayBuffer(512 * 1024), 0);
    const event = this.counts.receive(this.events, message, 0);
    if (event === 0) return;
    const taken = newFacts();
    this.counts.forEach(this.events.words, event, (entry) => {
      expect(readCounted(taken, this.events.words, entry, 7)).toBe(Counted.declines);
      this.amounts.push(taken.amount);
    });
  }
}

function told(count: number, to = new SharedCounts(0, 2)): SharedCounts {
  const id = Uint32Array.of(1, 2, 3, 4);
  for (let index = 0; index < count; index++) to.add(1, facts(to.waiting), Counted.declines, id, 0);
  return to;
}

describe('what was counted', () => {
  it('comes as it was, at the time of its arrival', () => {
    const counts = new SharedCounts(0, 2);
    counts.add(1, facts(12, 99), Counted.payments, undefined, 0);
    const [message = new Uint32Array(0)] = messagesOf(counts.take());
    const read = newFacts();
    expect(readCounted(read, message, 8, 555)).toBe(Counted.payments);
    expect(read).toEqual({ ...facts(12, 555) });
    counts.add(1, Object.assign(facts(1), { mcc: 0 }), Counted.bound, undefined, 0);
    const [second = new Uint32Array(0)] = messagesOf(counts.take());
    expect(readCounted(read, second, 8, 555)).toBe(Counted.bound);
    expect([...read.subjects.subarray(Subjects.merchant * 4, Subjects.merchant * 4 + 4)]).toEqual([0, 0, 0, 0]);
  });

  it('is taken once, in order, in messages of at most 1024', () => {
    const counts = told(3000);
    const messages = messagesOf(counts.take());
    expect(messages.map((message) => message[4])).toEqual([1024, 1024, 952]);
    const home = new Home();
    for (const message of [...messages.slice(0, 2), ...messages]) home.take(message);
    expect(home.amounts).toEqual(Array.from({ length: 3000 }, (_, index) => index));
    expect(home.counts.takenFrom(0)).toBe(3000);
    expect(counts.take()).toBeUndefined();
  });

  it('goes on behind what was confirmed, and is sent again after a restart', () => {
    const counts = told(10);
    const home = new Home();
    for (const message of messagesOf(counts.take())) home.take(message);
    counts.confirm(1, 6);
    counts.confirm(1, 4);
    counts.confirm(1, 99);
    expect(counts.waiting).toBe(4);
    const again = new SharedCounts(0, 2);
    again.restore(counts.save() ?? new Uint8Array(0));
    expect(again.waiting).toBe(4);
    again.add(1, facts(10), Counted.declines, undefined, 0);
    for (const message of messagesOf(again.take())) home.take(message);
    expect(home.amounts).toEqual(Array.from({ length: 11 }, (_, index) => index));
  });

  it('compares equal however much was confirmed', () => {
    const one = told(5);
    const other = told(5);
    other.confirm(1, 3);
    const [a, b] = [one.save() ?? new Uint8Array(0), other.save() ?? new Uint8Array(0)];
    expect(a).not.toEqual(b);
    expect(canonicalCounts(a)).toEqual(canonicalCounts(b));
    expect(canonicalCounts(told(6).save() ?? a)).not.toEqual(canonicalCounts(a));
    expect(new SharedCounts(0, 3).save()).toBeUndefined();
  });
});

describe('a partition that does not keep up', () => {
  it('stops the others after two seconds', () => {
    const counts = told(1);
    expect([1000, 2_001_000, 2_001_001].map((now) => counts.isBehind(now))).toEqual([false, false, true]);
    counts.confirm(1, 1);
    expect(counts.isBehind(9_000_000)).toBe(false);
  });

  it(`stops the others with ${WAITING_MAX} that wait; older ones of a replay were confirmed`, () => {
    const counts = told(WAITING_MAX - 1);
    expect(counts.isBehind(1000)).toBe(false);
    told(1, counts);
    expect(counts.isBehind(1000)).toBe(true);
    counts.add(1, facts(5), Counted.declines, undefined, 0);
    expect(counts.waiting).toBe(WAITING_MAX);
    const [first] = messagesOf(counts.take());
    expect(first?.[2]).toBe(1);
  });
});
