/** Pending transfers that are not held any more: what became of them, and what a late post or void is told. */
import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EventTypes } from './events.ts';
import { find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { isZeroId, TransferWord } from './words.ts';

const { pending, voidPending, expired } = TransferFlags;

/** Why there is nothing held under this id: it never was, it was no pending transfer, or how it ended. */
export function whyNoHold(ledger: Ledger, words: Uint32Array, at: number): number {
  const { tables, events } = ledger;
  const pendingAt = at + TransferWord.pendingId;
  const lsn = find(tables.transfers, words, pendingAt);
  if (lsn === 0) return Code.pendingTransferNotFound;
  const original = events.read(lsn);
  if (original.getUint16(2, true) !== Code.ok) return Code.pendingTransferNotFound;
  // Not answered yet, so nobody can know of it.
  if (original.getUint8(0) !== EventTypes.transfer) return Code.pendingTransferNotFound;
  if ((flagsOfEvent(original) & pending) === 0) return Code.pendingTransferNotPending;
  const different = differenceFromPending(words, at, original);
  if (different !== Code.ok) return different;
  return howEnded(ledger, words, pendingAt);
}

/** How the pending transfer ended whose id is at word `at`: it is not held any more. */
export function howEnded({ tables, events }: Ledger, words: Uint32Array, at: number): number {
  const resolution = find(tables.resolutions, words, at);
  if (resolution === 0) throw new Error('a pending transfer is neither held nor ended');
  const flags = flagsOfEvent(events.read(resolution));
  if ((flags & expired) !== 0) return Code.pendingTransferExpired;
  return (flags & voidPending) !== 0 ? Code.pendingTransferAlreadyVoided : Code.pendingTransferAlreadyPosted;
}

/** The first field in which a post or a void at word `at` contradicts the pending transfer that it names. */
function differenceFromPending(words: Uint32Array, at: number, original: DataView): number {
  const differs = (field: number, count: number): boolean => {
    for (let word = field; word < field + count; word++) {
      if (words[at + word] !== original.getUint32((TransferEventWord.record + word) * 4, true)) return true;
    }
    return false;
  };
  if (differs(TransferWord.debitAccountId, 4)) return Code.pendingTransferHasDifferentDebitAccountId;
  if (!isZeroId(words, at + TransferWord.creditAccountId) && differs(TransferWord.creditAccountId, 4)) {
    return Code.pendingTransferHasDifferentCreditAccountId;
  }
  if (words[at + TransferWord.ledger] !== 0 && differs(TransferWord.ledger, 1)) {
    return Code.pendingTransferHasDifferentLedger;
  }
  const code = (words[at + TransferWord.code] as number) & 0xffff;
  const kept = original.getUint16((TransferEventWord.record + TransferWord.code) * 4, true);
  return code !== 0 && code !== kept ? Code.pendingTransferHasDifferentCode : Code.ok;
}

/** Flags of the TRANSFER record in a transfer event. */
export function flagsOfEvent(event: DataView): number {
  return event.getUint16((TransferEventWord.record + TransferWord.flags) * 4 + 2, true);
}
