/** A change as the golden vectors have it. */
import type { Change } from '../../protocol/changes.ts';

export const CHANGE: Change = {
  id: '0-4711',
  type: 'transfer',
  partition: 0,
  position: 4711,
  cursor: 4722,
  decidedAt: '2026-01-31T08:00:00.000123Z',
  institution: 2,
  result: 'ok',
  transfer: {
    id: '0190a5e0c0de7000800000000000b22d',
    debitAccount: '0190a5e0c0de7000800000000000a11c',
    creditAccount: '0190a5e0c0de7000800000000000b0b0',
    amount: '1250',
    currency: 'CNY',
    code: 1,
    flags: ['linked'],
    pendingId: null,
    timeoutSeconds: 0,
    userData128: null,
    userData64: '0',
    userData32: 0,
    payment: null,
    debitBalanceAfter: '98750',
    creditBalanceAfter: null,
  },
};
