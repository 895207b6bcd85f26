/** Golden vectors of cards. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const TOKEN = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdefn;

interface Sample {
  readonly id: (n: number) => bigint;
  readonly account: bigint;
  readonly payee: bigint;
  readonly time: bigint;
}

export function cardCases({ id, account, payee, time }: Sample): readonly GoldenCase[] {
  const terms = {
    ...{ token: TOKEN, accountId: account, expiry: 2812, lastFour: 17, sequence: 1, pinTriesMax: 3 },
    ...{ counterFloor: 5, counterJumpMax: 100, unverifiedAmountMax: 30_000n, unverifiedSumMax: 100_000n },
    unverifiedCountMax: 5,
  };
  const seen = {
    ...{ device: 0n, payeeAccountId: 0n, unverifiedSum: 1234n, unverifiedCount: 1, countersSeen: 1n, counter: 7 },
    ...{ timestamp: time, owner: 1, pinFailures: 0, channels: 0b1000 },
  };
  return [
    {
      name: 'register a card, and block one',
      command: 'putCards',
      input: [
        { ...terms, state: 'active', channels: ['contactless'] },
        { token: TOKEN + 1n, accountId: account, state: 'lost', resetPin: true },
      ],
      value: [resultOfCode(Code.ok, time), resultOfCode(Code.cardAccountMustNotChange, time)],
    },
    {
      name: 'a contactless payment with a right cryptogram',
      command: 'useCards',
      input: [
        {
          ...{ id: id(1), token: TOKEN, payeeAccountId: payee, amount: 1234n, counter: 7, expiry: 2812 },
          ...{ channel: 'contactless', verification: 'none', cryptogram: 'valid' },
        },
        {
          ...{ id: id(2), token: TOKEN + 2n, device: 9n, amount: 1n },
          ...{ channel: 'cardPresent', verification: 'onlinePin', cryptogram: 'invalid', pin: 'wrong' },
        },
      ],
      value: [
        { ...resultOfCode(Code.ok, time), card: { ...terms, ...seen, state: 'active' } },
        { ...resultOfCode(Code.cardNotFound, time), card: undefined },
      ],
    },
    {
      name: 'look up a card',
      command: 'lookupCards',
      input: [TOKEN],
      value: [{ ...resultOfCode(Code.ok, time), card: { ...terms, ...seen, state: 'active' } }],
    },
  ];
}
