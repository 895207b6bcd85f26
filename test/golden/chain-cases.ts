/** Golden vectors of the end of a chain. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

interface Sample {
  readonly id: (n: number) => bigint;
  readonly payer: bigint;
  readonly time: bigint;
}

export function chainCases({ id, payer, time }: Sample): readonly GoldenCase[] {
  return [
    {
      name: 'post a chain',
      command: 'endChain',
      input: { id: id(6), pendingId: id(3), debitAccountId: payer, action: 'post' },
      value: { ...resultOfCode(Code.ok, time + 8n), members: 3, refusedById: undefined },
    },
    {
      name: 'void a chain of which a transfer has expired',
      command: 'endChain',
      input: { id: id(7), pendingId: id(3), debitAccountId: payer, action: 'void' },
      value: { ...resultOfCode(Code.pendingTransferExpired, time + 8n), members: 0, refusedById: id(8) },
    },
  ];
}
