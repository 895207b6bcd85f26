/** Golden vectors of a revert, and of a cancellation that came before its payment. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

interface Sample {
  readonly id: (n: number) => bigint;
  readonly status: object;
  readonly time: bigint;
}

export function undoCases({ id, status, time }: Sample): readonly GoldenCase[] {
  return [
    {
      name: 'revert a payment that was refunded already',
      command: 'revert',
      input: { id: id(11), paymentId: id(2) },
      value: {
        ...resultOfCode(Code.exceedsCapturedAmount, time + 15n),
        payment: { ...status, operation: 'revert', code: Code.exceedsCapturedAmount, name: 'exceedsCapturedAmount' },
      },
    },
    {
      name: 'cancel a payment that has not come',
      command: 'cancelPayment',
      input: { id: id(12), paymentId: id(0xdead), payerAccountId: id(1) },
      value: {
        ...resultOfCode(Code.ok, time + 16n),
        payment: {
          ...status,
          captured: 0n,
          discount: 0n,
          discountCaptured: 0n,
          feeCharged: 0n,
          state: 'declined',
          operation: 'cancel',
          code: Code.cancelledBefore,
          name: 'cancelledBefore',
          createdAt: time + 16n,
          updatedAt: time + 16n,
        },
      },
    },
  ];
}
