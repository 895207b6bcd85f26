// Which answer belongs to which request: classes folded, late and second answers known, the window bounded.
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../../adapters/terminal/link/backoff.ts';
import { answerMti, exchangeOf, isRequest } from '../../../../adapters/terminal/link/codes.ts';
import { Mux, type MuxConfig } from '../../../../adapters/terminal/link/mux.ts';
import { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { ASCII, answerOf, ManualClock, purchase } from './harness.ts';

function muxWith(config: Partial<MuxConfig> = {}) {
  const clock = new ManualClock();
  const seen: string[] = [];
  const told = (what: string) => (answer: Message) => void seen.push(`${what} ${answer.mti} ${answer.text(11)}`);
  const mux = new Mux({ window: 8, fields: [11, 41], byType: {}, ...config }, clock, {
    late: (answer, request) => void seen.push(`late ${answer.mti} for ${request.mti} ${request.text(11)}`),
    duplicate: told('duplicate'),
    unmatched: told('unmatched'),
  });
  return { mux, clock, seen };
}

describe('message types', () => {
  it.each([
    ['0200', '0210', '020'],
    ['0201', '0210', '020'],
    ['0220', '0230', '022'],
    ['0421', '0430', '042'],
    ['0202', '0212', '020'],
    ['1804', '1814', '180'],
    ['1805', '1814', '180'],
  ])('%s is answered by %s', (request, answer, exchange) => {
    expect([answerMti(request), exchangeOf(request), exchangeOf(answer)]).toEqual([answer, exchange, exchange]);
    expect([isRequest(request), isRequest(answer), isRequest('02x0')]).toEqual([true, false, false]);
  });
});

describe('an answer', () => {
  it('finds its request by STAN and terminal, also when the request was a repeat', async () => {
    const { mux, seen } = muxWith();
    const first = mux.expect(purchase('000001'), 1000);
    const repeat = mux.expect(purchase('000002', '0201'), 1000);
    const elsewhere = mux.expect(purchase('000001').set(41, 'T2'), 1000);
    const advice = mux.expect(purchase('000001', '0220'), 1000);
    const answer = (message: Message) => {
      const made = answerOf(message);
      mux.answer(made);
      return made;
    };
    // Peers pad the terminal to its eight characters.
    const padded = answerOf(purchase('000001')).set(41, 'T1      ');
    mux.answer(padded);
    expect(await first).toBe(padded);
    const made = [purchase('000001').set(41, 'T2'), purchase('000002'), purchase('000001', '0220')].map(answer);
    expect(await Promise.all([elsewhere, repeat, advice])).toEqual(made);
    expect([mux.size, seen]).toEqual([0, []]);
  });

  it('finds it by other fields, for all or for a type of message', async () => {
    const { mux, seen } = muxWith({ fields: [37], byType: { '0420': [11] } });
    const first = mux.expect(purchase('000001').set(37, 'A'), 1000);
    const second = mux.expect(purchase('000001').set(37, 'B'), 1000);
    const reversal = mux.expect(purchase('000001', '0421').set(37, 'C'), 1000);
    mux.answer(answerOf(purchase('000009').set(37, 'B')));
    mux.answer(answerOf(purchase('000001').set(37, 'A')));
    mux.answer(answerOf(purchase('000001', '0420').set(37, 'other')));
    const results = await Promise.all([first, second, reversal]);
    expect(results.map((result) => typeof result === 'object' && result.text(11))).toEqual([
      '000001',
      '000009',
      '000001',
    ]);
    expect(seen).toEqual([]);
  });

  it('after the timeout is late, once; a second one and one to nothing are told apart', async () => {
    const { mux, clock, seen } = muxWith();
    const result = mux.expect(purchase('000001', '0201'), 1000);
    clock.advance(999);
    expect(mux.size).toBe(1);
    clock.advance(1);
    expect(await result).toBe('timeout');
    mux.answer(answerOf(purchase('000001')));
    mux.answer(answerOf(purchase('000001')));
    mux.answer(answerOf(purchase('000002')));
    const answered = mux.expect(purchase('000003'), 1000);
    mux.answer(answerOf(purchase('000003')));
    mux.answer(answerOf(purchase('000003')));
    await answered;
    expect(seen).toEqual([
      'late 0210 for 0201 000001',
      'duplicate 0210 000001',
      'unmatched 0210 000002',
      'duplicate 0210 000003',
    ]);
    expect(clock.size).toBe(0);
  });

  it('belongs to the new request when its STAN comes again', async () => {
    const { mux, clock, seen } = muxWith();
    const first = mux.expect(purchase('000001'), 1000);
    clock.advance(1000);
    const second = mux.expect(purchase('000001'), 1000);
    mux.answer(answerOf(purchase('000001'), '51'));
    expect(await first).toBe('timeout');
    expect(await second).toMatchObject({ mti: '0210' });
    expect(seen).toEqual([]);
  });
});

describe('bounds', () => {
  it('the window, and one request for each key', async () => {
    const { mux } = muxWith({ window: 2 });
    void mux.expect(purchase('000001'), 1000);
    expect(mux.expect(purchase('000001'), 1000)).toBe('collision');
    expect(mux.expect(purchase('000001', '0201'), 1000)).toBe('collision');
    void mux.expect(purchase('000002'), 1000);
    expect(mux.expect(purchase('000003'), 1000)).toBe('full');
    mux.withdraw(purchase('000002'));
    expect(mux.expect(purchase('000003'), 1000)).toBeInstanceOf(Promise);
  });

  it('remembers a bounded number of ended requests', async () => {
    const { mux, seen } = muxWith();
    for (let stan = 0; stan <= 4096; stan++) {
      const request = new Message(ASCII, '0200').set(11, String(stan));
      const result = mux.expect(request, 1000);
      mux.answer(answerOf(request));
      await result;
    }
    mux.answer(new Message(ASCII, '0210').set(11, '0'));
    mux.answer(new Message(ASCII, '0210').set(11, '1'));
    expect(seen).toEqual(['unmatched 0210 0', 'duplicate 0210 1']);
  });

  it('gives everything up as timed out when it is told to, and says when nothing is left', async () => {
    const { mux, seen } = muxWith();
    const result = mux.expect(purchase('000001'), 1000);
    const empty = mux.empty();
    mux.abandon();
    expect(await result).toBe('timeout');
    await empty;
    await mux.empty();
    mux.answer(answerOf(purchase('000001')));
    expect(seen).toEqual(['late 0210 for 0200 000001']);
  });
});

it('backoff doubles up to its most, with jitter between half and whole, and begins again', () => {
  const random = [0, 0.999999, 0, 0, 0, 0.5];
  const backoff = new Backoff({ firstMs: 100, mostMs: 500 }, () => random.shift() ?? 0);
  expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([50, 200, 200, 250, 250]);
  backoff.reset();
  expect(backoff.next()).toBe(75);
});
