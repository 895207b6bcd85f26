/** What can be said of a transfer alone, and of its content beside that of another with its id, once more. */
import type { ResultName } from '../../../protocol/results.ts';
import { F, MAX } from './reference-ledger.ts';

export interface ModelTransfer {
  id: bigint;
  debitAccountId: bigint;
  creditAccountId: bigint;
  amount: bigint;
  pendingId: bigint;
  userData128: bigint;
  userData64: bigint;
  userData32: number;
  timeoutS: number;
  ledger: number;
  code: number;
  flags: number;
}

/** In the order in which the first difference is named. */
export const COMPARED: readonly (readonly [keyof ModelTransfer, ResultName])[] = [
  ['flags', 'existsWithDifferentFlags'],
  ['pendingId', 'existsWithDifferentPendingId'],
  ['timeoutS', 'existsWithDifferentTimeout'],
  ['debitAccountId', 'existsWithDifferentDebitAccountId'],
  ['creditAccountId', 'existsWithDifferentCreditAccountId'],
  ['amount', 'existsWithDifferentAmount'],
  ['userData128', 'existsWithDifferentUserData128'],
  ['userData64', 'existsWithDifferentUserData64'],
  ['userData32', 'existsWithDifferentUserData32'],
  ['ledger', 'existsWithDifferentLedger'],
  ['code', 'existsWithDifferentCode'],
];

const ENGINE_IDS = (2n ** 32n - 1n) << 96n;

/** The ladder of what can be said of a transfer alone. */
export function shapeOf(transfer: ModelTransfer): ResultName {
  const { id, flags, debitAccountId, creditAccountId, pendingId, amount, timeoutS, ledger, code } = transfer;
  const phases = [F.pending, F.post, F.void].filter((flag) => (flags & flag) !== 0).length;
  const ends = (flags & (F.post | F.void)) !== 0;
  if ((flags & ~255) !== 0) return 'flagsReserved';
  if (id === 0n) return 'idMustNotBeZero';
  if (id >= ENGINE_IDS) return 'idReserved';
  if (phases > 1) return 'flagsAreMutuallyExclusive';
  if ((flags & F.keep) !== 0 && (flags & F.post) === 0) return 'flagsAreMutuallyExclusive';
  if (ends && (flags & (F.balancingDebit | F.balancingCredit)) !== 0) return 'flagsAreMutuallyExclusive';
  if ((flags & F.revert) !== 0) return revertShapeOf(transfer);
  if (debitAccountId === 0n) return 'debitAccountIdMustNotBeZero';
  if (creditAccountId === 0n && !ends) return 'creditAccountIdMustNotBeZero';
  if (debitAccountId === creditAccountId) return 'accountsMustBeDifferent';
  if (pendingId !== 0n && !ends) return 'pendingIdMustBeZero';
  if (pendingId === 0n && ends) return 'pendingIdMustNotBeZero';
  if (pendingId >= ENGINE_IDS) return 'idReserved';
  if (pendingId === id) return 'pendingIdMustBeDifferent';
  if (timeoutS !== 0 && (flags & F.pending) === 0) return 'timeoutReservedForPendingTransfer';
  if (amount !== 0n && (flags & F.void) !== 0) return 'amountMustBeZero';
  if (amount === 0n && !ends) return 'amountMustNotBeZero';
  if (amount > MAX) return 'amountOutOfRange';
  if (ledger === 0 && !ends) return 'ledgerMustNotBeZero';
  if (code === 0 && !ends) return 'codeMustNotBeZero';
  return 'ok';
}

function revertShapeOf({
  id,
  flags,
  debitAccountId,
  creditAccountId,
  pendingId,
  amount,
  timeoutS,
}: ModelTransfer): ResultName {
  if ((flags & ~(F.revert | F.linked)) !== 0) return 'flagsAreMutuallyExclusive';
  if (debitAccountId === creditAccountId && debitAccountId !== 0n) return 'accountsMustBeDifferent';
  if (pendingId === 0n) return 'pendingIdMustNotBeZero';
  if (pendingId === id) return 'pendingIdMustBeDifferent';
  if (timeoutS !== 0) return 'timeoutReservedForPendingTransfer';
  return amount > MAX ? 'amountOutOfRange' : 'ok';
}
