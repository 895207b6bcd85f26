/**
 * What can be said of a record from its content alone. Pure, so the same record gets the same answer for ever without being
 * remembered. The ladders are in order of precedence; each line returns one code.
 */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import {
  ACCOUNT_TIER_MAX,
  AccountChangeFields,
  AccountFlags,
  AccountStates,
  TransferFlags,
} from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { validateImportedTime } from './imported.ts';
import { AccountWord, ChangeWord, EndChainWord, fitsRange, isZeroId, readU64, sameId, TransferWord } from './words.ts';

const { linked, pending, postPending, voidPending, keepRemainder, balancingDebit, balancingCredit, revert, imported } =
  TransferFlags;
/** Move at most the amount. */
export const BALANCING = balancingDebit | balancingCredit;
const TRANSFER_FLAGS_CLIENT =
  linked | pending | postPending | voidPending | keepRemainder | BALANCING | revert | imported;
const PHASES = pending | postPending | voidPending;
/** Indexed by the phase bits (flags 1–3): whether more than one of them is set. */
const SEVERAL_PHASES = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => (bits & (bits - 1)) !== 0);

const ACCOUNT_FLAGS_CLIENT =
  AccountFlags.linked |
  AccountFlags.debitsMustNotExceedCredits |
  AccountFlags.creditsMustNotExceedDebits |
  AccountFlags.imported;

export function transferFlags(words: Uint32Array, at: number): number {
  return (words[at + TransferWord.flags] as number) >>> 16;
}

/** @param expected the flag `imported` when the message is of imported records, else 0 */
export function validateTransfer(words: Uint32Array, at: number, expected: number): number {
  const flags = transferFlags(words, at);
  const ends = (flags & (postPending | voidPending)) !== 0;
  if ((flags & imported) !== expected) return whyNotExpected(expected);
  if (expected === 0 && !isZeroPair(words, at + TransferWord.timestamp)) return Code.timestampMustBeZero;
  if (!isZeroPair(words, at + TransferWord.reserved)) return Code.reservedField;
  if ((flags & ~TRANSFER_FLAGS_CLIENT) !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (SEVERAL_PHASES[(flags & PHASES) >> 1] === true) return Code.flagsAreMutuallyExclusive;
  if ((flags & keepRemainder) !== 0 && (flags & postPending) === 0) return Code.flagsAreMutuallyExclusive;
  if (ends && (flags & BALANCING) !== 0) return Code.flagsAreMutuallyExclusive;
  if (expected !== 0) {
    const code = validateImport(words, at, flags);
    if (code !== Code.ok) return code;
  }
  if ((flags & revert) !== 0) return validateRevert(words, at, flags);
  if (isZeroId(words, at + TransferWord.debitAccountId)) return Code.debitAccountIdMustNotBeZero;
  if (isReservedId(words, at + TransferWord.debitAccountId)) return Code.idReserved;
  if (isReservedId(words, at + TransferWord.creditAccountId)) return Code.idReserved;
  if (ends) return validateEnding(words, at, flags);
  if (isZeroId(words, at + TransferWord.creditAccountId)) return Code.creditAccountIdMustNotBeZero;
  if (sameAccounts(words, at)) return Code.accountsMustBeDifferent;
  if (!isZeroId(words, at + TransferWord.pendingId)) return Code.pendingIdMustBeZero;
  if ((flags & pending) === 0 && words[at + TransferWord.timeoutS] !== 0) return Code.timeoutReservedForPendingTransfer;
  if (isZeroPair(words, at + TransferWord.amount)) return Code.amountMustNotBeZero;
  if (!fitsRange(words, at + TransferWord.amount)) return Code.amountOutOfRange;
  if (words[at + TransferWord.ledger] === 0) return Code.ledgerMustNotBeZero;
  if (((words[at + TransferWord.code] as number) & 0xffff) === 0) return Code.codeMustNotBeZero;
  return Code.ok;
}

/** The END_CHAIN record at word `at`. */
export function validateEndChain(words: Uint32Array, at: number): number {
  const flags = (words[at + EndChainWord.flags] as number) & 0xffff;
  const ends = flags & (postPending | voidPending);
  if ((words[at + EndChainWord.flags] as number) >>> 16 !== 0) return Code.reservedField;
  if (words[at + EndChainWord.reserved32] !== 0 || !isZeroPair(words, at + EndChainWord.reserved)) {
    return Code.reservedField;
  }
  if (flags !== ends) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (ends === 0) return Code.nothingToChange;
  if (ends === (postPending | voidPending)) return Code.flagsAreMutuallyExclusive;
  if (isZeroId(words, at + EndChainWord.debitAccountId)) return Code.debitAccountIdMustNotBeZero;
  if (isReservedId(words, at + EndChainWord.debitAccountId)) return Code.idReserved;
  if (isZeroId(words, at + EndChainWord.pendingId)) return Code.pendingIdMustNotBeZero;
  if (isReservedId(words, at + EndChainWord.pendingId)) return Code.idReserved;
  return sameId(words, at, words, at + EndChainWord.pendingId) ? Code.pendingIdMustBeDifferent : Code.ok;
}

function whyNotExpected(expected: number): number {
  return expected === 0 ? Code.importedEventNotExpected : Code.importedEventExpected;
}

/** What moves as much as there is, or gives back, is decided on what is there now. */
function validateImport(words: Uint32Array, at: number, flags: number): number {
  if ((flags & (BALANCING | revert)) !== 0) return Code.flagsAreMutuallyExclusive;
  if ((flags & pending) !== 0 && words[at + TransferWord.timeoutS] !== 0) return Code.importedEventTimeoutMustBeZero;
  return validateImportedTime(words, at + TransferWord.timestamp);
}

/** The rest of the ladder for a post or a void; credit account, amount, ledger and code may be zero there. */
function validateEnding(words: Uint32Array, at: number, flags: number): number {
  if (sameAccounts(words, at)) return Code.accountsMustBeDifferent;
  if (isZeroId(words, at + TransferWord.pendingId)) return Code.pendingIdMustNotBeZero;
  if (isReservedId(words, at + TransferWord.pendingId)) return Code.idReserved;
  if (sameId(words, at, words, at + TransferWord.pendingId)) return Code.pendingIdMustBeDifferent;
  if (words[at + TransferWord.timeoutS] !== 0) return Code.timeoutReservedForPendingTransfer;
  if ((flags & voidPending) !== 0 && !isZeroPair(words, at + TransferWord.amount)) return Code.amountMustBeZero;
  if (!fitsRange(words, at + TransferWord.amount)) return Code.amountOutOfRange;
  return Code.ok;
}

/** The rest of the ladder for a revert; whatever the transfer says that it reverts may be zero there. */
function validateRevert(words: Uint32Array, at: number, flags: number): number {
  if ((flags & ~(linked | revert)) !== 0) return Code.flagsAreMutuallyExclusive;
  if (isReservedId(words, at + TransferWord.debitAccountId)) return Code.idReserved;
  if (isReservedId(words, at + TransferWord.creditAccountId)) return Code.idReserved;
  if (sameAccounts(words, at) && !isZeroId(words, at + TransferWord.debitAccountId)) {
    return Code.accountsMustBeDifferent;
  }
  if (isZeroId(words, at + TransferWord.pendingId)) return Code.pendingIdMustNotBeZero;
  if (isReservedId(words, at + TransferWord.pendingId)) return Code.idReserved;
  if (sameId(words, at, words, at + TransferWord.pendingId)) return Code.pendingIdMustBeDifferent;
  if (words[at + TransferWord.timeoutS] !== 0) return Code.timeoutReservedForPendingTransfer;
  return fitsRange(words, at + TransferWord.amount) ? Code.ok : Code.amountOutOfRange;
}

/** @param expected the flag `imported` when the message is of imported records, else 0 */
export function validateAccount(words: Uint32Array, at: number, expected: number): number {
  const flags = (words[at + AccountWord.flags] as number) >>> 16;
  const debitLimited = (flags & AccountFlags.debitsMustNotExceedCredits) !== 0;
  if ((flags & AccountFlags.imported) !== expected) return whyNotExpected(expected);
  if (expected === 0 && !isZeroPair(words, at + AccountWord.timestamp)) return Code.timestampMustBeZero;
  if (!reservedIsZero(words, at)) return Code.reservedField;
  if ((flags & ~ACCOUNT_FLAGS_CLIENT) !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (debitLimited && (flags & AccountFlags.creditsMustNotExceedDebits) !== 0) return Code.flagsAreMutuallyExclusive;
  if (expected !== 0) {
    const code = validateImportedTime(words, at + AccountWord.timestamp);
    if (code !== Code.ok) return code;
  }
  for (let word = AccountWord.debitsPending; word < AccountWord.creditLimit; word++) {
    if (words[at + word] !== 0) return Code.balancesMustBeZero;
  }
  if (!fitsRange(words, at + AccountWord.creditLimit)) return Code.creditLimitOutOfRange;
  if (!debitLimited && readU64(words, at + AccountWord.creditLimit) !== 0) return Code.creditLimitOutOfRange;
  if (words[at + AccountWord.ledger] === 0) return Code.ledgerMustNotBeZero;
  if (((words[at + AccountWord.code] as number) & 0xffff) === 0) return Code.codeMustNotBeZero;
  return (words[at + AccountWord.tier] as number) >>> 24 > ACCOUNT_TIER_MAX ? Code.tierOutOfRange : Code.ok;
}

const CHANGE_FIELDS = AccountChangeFields.creditLimit | AccountChangeFields.state | AccountChangeFields.tier;

export function validateAccountChange(words: Uint32Array, at: number): number {
  const fieldsAndState = words[at + ChangeWord.fields] as number;
  const fields = fieldsAndState & 0xffff;
  const state = (fieldsAndState >>> 16) & 0xff;
  const tier = fieldsAndState >>> 24;
  const limit = at + ChangeWord.creditLimit;
  if (!isZeroPair(words, at + ChangeWord.timestamp)) return Code.timestampMustBeZero;
  if (words[at + ChangeWord.reserved32] !== 0) return Code.reservedField;
  if (!isZeroPair(words, at + ChangeWord.reserved)) return Code.reservedField;
  if ((fields & ~CHANGE_FIELDS) !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (isZeroId(words, at + ChangeWord.accountId)) return Code.accountIdMustNotBeZero;
  // The engine's own accounts: those that settle with other partitions.
  if (isReservedId(words, at + ChangeWord.accountId)) return Code.idReserved;
  if (fields === 0) return Code.nothingToChange;
  if (state > AccountStates.closed) return Code.stateOutOfRange;
  if ((fields & AccountChangeFields.state) === 0 && state !== 0) return Code.stateOutOfRange;
  if (!fitsRange(words, limit)) return Code.creditLimitOutOfRange;
  if ((fields & AccountChangeFields.creditLimit) === 0 && !isZeroPair(words, limit)) return Code.creditLimitOutOfRange;
  if (tier > ACCOUNT_TIER_MAX) return Code.tierOutOfRange;
  return (fields & AccountChangeFields.tier) === 0 && tier !== 0 ? Code.tierOutOfRange : Code.ok;
}

/** Whether the id at a word is one that only the engine gives. */
export function isReservedId(words: Uint32Array, at: number): boolean {
  return words[at + 3] === ENGINE_ID_PREFIX;
}

export function isZeroPair(words: Uint32Array, at: number): boolean {
  return ((words[at] as number) | (words[at + 1] as number)) === 0;
}

function sameAccounts(words: Uint32Array, at: number): boolean {
  return sameId(words, at + TransferWord.debitAccountId, words, at + TransferWord.creditAccountId);
}

function reservedIsZero(words: Uint32Array, at: number): boolean {
  const state = (words[at + AccountWord.state] as number) & 0xff_0000;
  return (
    (state |
      (words[at + AccountWord.owner] as number) |
      (words[at + AccountWord.reserved32] as number) |
      (words[at + AccountWord.reservedA] as number) |
      (words[at + AccountWord.reservedA + 1] as number) |
      (words[at + AccountWord.reservedB] as number) |
      (words[at + AccountWord.reservedB + 1] as number)) ===
    0
  );
}
