// What issuers have to be told: in its order for each payment, again until it is heard, and never what cannot be opened.
import { afterEach, expect, it } from 'vitest';
import { relatedId } from '../../../../adapters/terminal/processing/message-ids.ts';
import { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import type { LinkState } from '../../../../adapters/terminal/link/observer.ts';
import { Bank as CardBank } from '../../../../adapters/terminal/processing/bank.ts';
import { type Notice, StoreAndForward } from '../../../../adapters/terminal/processing/store-and-forward.ts';
import { Bank } from '../../../support/bank.ts';
import { answerOf, ASCII, ManualClock, untilStill } from '../link/harness.ts';
import { vault } from './desk.ts';

const NOW = Date.UTC(2026, 10, 24);
const opened: StoreAndForward[] = [];
afterEach(() => {
  for (const queue of opened.splice(0)) queue.close();
});

/** A queue to a peer who is played by the test: each message gets the next of `answers`, a code or `timeout`; then 00. */
function open(bank = new Bank(2), keyId = 'queue') {
  bank.now = NOW * 1000;
  const clock = new ManualClock();
  const sent: string[] = [];
  const notes: string[] = [];
  const answers: string[] = [];
  const peer = {
    state: 'up' as LinkState,
    async request(message: Message) {
      sent.push(`${message.mti} ${message.text(11)}`);
      const answer = answers.shift() ?? '00';
      return answer === 'timeout' || answer === 'unfit' ? answer : answerOf(message, answer);
    },
  };
  const queue = new StoreAndForward({
    ...{
      queue: 'iss',
      spec: ASCII,
      connection: peer,
      bank: new CardBank(bank.gateway, 1),
      vault: vault(),
      keyId,
      clock,
    },
    ...{ nowMs: () => NOW + clock.now(), note: (text: string) => void notes.push(text), answerMs: 100, retryMs: 1000 },
  });
  opened.push(queue);
  const still = () => untilStill(() => sent.length + clock.size * 1000);
  return { bank, clock, sent, notes, answers, peer, queue, still };
}

const notice = (paymentId: bigint, mti: string, stan: string): Notice => ({
  ...{ kind: 'undo', paymentId, payerAccountId: 5n, reference: 'r' },
  message: new Message(ASCII, mti).set(2, '4761739001010119').set(4, '000000001250').set(11, stan).set(41, 'T1'),
});
const idOf = (n: bigint) => relatedId(n << 80n, 'x');

it('an armed notice waits until it is released, and is sent once', async () => {
  const { queue, sent, still } = open();
  await queue.arm(idOf(1n), notice(1n, '0420', '000001'));
  queue.poke();
  await still();
  expect(sent).toEqual([]);
  await queue.release(idOf(1n));
  await still();
  queue.poke();
  await still();
  expect(sent).toEqual(['0420 000001']);
});

it('what is not heard is sent again as a repeat, and nothing of the same payment before it', async () => {
  const { queue, sent, answers, clock, still } = open();
  answers.push('timeout', '00', '96');
  await queue.send(idOf(1n), notice(1n, '0420', '000001'));
  await queue.send(idOf(2n), notice(1n, '0220', '000002'));
  await queue.send(idOf(3n), notice(2n, '0420', '000003'));
  await still();
  expect(sent).toEqual(['0420 000001', '0420 000003']);
  clock.advance(1999);
  await still();
  expect(sent).toHaveLength(2);
  clock.advance(1);
  await still();
  // Its answer says that it could not be looked at.
  expect(sent.slice(2)).toEqual(['0421 000001']);
  clock.advance(4000);
  await still();
  expect(sent.slice(3)).toEqual(['0421 000001', '0220 000002']);
});

it('an answer that refuses ends it, and the log says so', async () => {
  const { queue, sent, notes, answers, still, clock } = open();
  answers.push('25');
  await queue.send(idOf(1n), notice(1n, '0420', '000001'));
  await still();
  clock.advance(100_000);
  await still();
  expect(sent).toEqual(['0420 000001']);
  expect(notes).toEqual(['0420 (undo) was answered 25: it is not sent again']);
});

it('nothing is sent while the link is down', async () => {
  const { queue, sent, peer, clock, still } = open();
  peer.state = 'waiting';
  await queue.send(idOf(1n), notice(1n, '0420', '000001'));
  await still();
  expect(sent).toEqual([]);
  peer.state = 'up';
  clock.advance(1000);
  await still();
  expect(sent).toEqual(['0420 000001']);
});

it('what was sealed under another key is noted and left', async () => {
  const first = open();
  first.peer.state = 'waiting';
  await first.queue.send(idOf(1n), notice(1n, '0420', '000001'));
  const other = open(first.bank, 'other-queue');
  await other.queue.send(idOf(2n), notice(2n, '0420', '000002'));
  await other.still();
  expect(other.sent).toEqual(['0420 000002']);
  expect(other.notes.join()).toContain('is not sent: it was sealed for something else, or changed');
});
