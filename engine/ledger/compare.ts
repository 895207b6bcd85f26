/** The idempotency half of the ladder: an id that was decided before, with the same content or not. */
import { AccountFlags, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EVENT_PREFIX_BYTES, EventTypes, FilledIn } from './events.ts';
import { TransferEventWord } from './ledger.ts';
import { AccountWord, ChangeWord, TransferWord } from './words.ts';

/** Compares `count` words of the request with the stored event. */
function differs(words: Uint32Array, at: number, stored: DataView, storedAt: number, count: number): boolean {
  for (let word = 0; word < count; word++) {
    if (words[at + word] !== stored.getUint32((storedAt + word) * 4, true)) return true;
  }
  return false;
}

/** `ok` when the TRANSFER record at word `at` asks for what the stored event answered; else the first field that differs. */
export function compareTransfer(words: Uint32Array, at: number, stored: DataView): number {
  const filledIn = stored.getUint8(1);
  const record = TransferEventWord.record;
  const field = (word: number, count: number, bit: number): boolean =>
    (filledIn & bit) !== 0 ? !isZero(words, at + word, count) : differs(words, at + word, stored, record + word, count);
  const sent = words[at + TransferWord.code] as number;
  const kept = stored.getUint32((record + TransferWord.code) * 4, true);
  const amount = record + ((filledIn & FilledIn.balanced) !== 0 ? TransferWord.reserved : TransferWord.amount);
  const keptCode = (filledIn & FilledIn.code) !== 0 ? 0 : kept & 0xffff;

  if (sent >>> 16 !== kept >>> 16 || (filledIn & FilledIn.wholeChain) !== 0) return Code.existsWithDifferentFlags;
  if (field(TransferWord.pendingId, 4, 0)) return Code.existsWithDifferentPendingId;
  if (field(TransferWord.timeoutS, 1, 0)) return Code.existsWithDifferentTimeout;
  if (field(TransferWord.debitAccountId, 4, FilledIn.debitAccountId)) return Code.existsWithDifferentDebitAccountId;
  if (field(TransferWord.creditAccountId, 4, FilledIn.creditAccountId)) return Code.existsWithDifferentCreditAccountId;
  const isAmountOther =
    (filledIn & FilledIn.amount) !== 0
      ? !isZero(words, at + TransferWord.amount, 2)
      : differs(words, at + TransferWord.amount, stored, amount, 2);
  if (isAmountOther) return Code.existsWithDifferentAmount;
  if (field(TransferWord.userData128, 4, 0)) return Code.existsWithDifferentUserData128;
  if (field(TransferWord.userData64, 2, 0)) return Code.existsWithDifferentUserData64;
  if (field(TransferWord.userData32, 1, 0)) return Code.existsWithDifferentUserData32;
  if (field(TransferWord.ledger, 1, FilledIn.ledger)) return Code.existsWithDifferentLedger;
  if ((sent & 0xffff) !== keptCode) return Code.existsWithDifferentCode;
  const isImported = ((sent >>> 16) & TransferFlags.imported) !== 0;
  const time = record + ((filledIn & FilledIn.time) !== 0 ? TransferWord.reserved : TransferWord.timestamp);
  const isTimeOther = isImported && differs(words, at + TransferWord.timestamp, stored, time, 2);
  return isTimeOther ? Code.existsWithDifferentTimestamp : Code.ok;
}

/** The same for an ACCOUNT record and the event that opened the account. `institution` asks. */
export function compareAccount(words: Uint32Array, at: number, institution: number, stored: DataView): number {
  const record = EVENT_PREFIX_BYTES / 4;
  const field = (word: number, count: number): boolean => differs(words, at + word, stored, record + word, count);
  const sentCode = words[at + AccountWord.code] as number;
  const keptCode = stored.getUint32((record + AccountWord.code) * 4, true);
  const sentTerms = words[at + AccountWord.tariff] as number;
  const keptTerms = stored.getUint32((record + AccountWord.tariff) * 4, true);

  if (institution !== stored.getUint32((record + AccountWord.owner) * 4, true)) return Code.existsWithDifferentOwner;
  if (sentCode >>> 16 !== keptCode >>> 16) return Code.existsWithDifferentFlags;
  if (field(AccountWord.userData128, 4)) return Code.existsWithDifferentUserData128;
  if (field(AccountWord.userData64, 2)) return Code.existsWithDifferentUserData64;
  if (field(AccountWord.userData32, 1)) return Code.existsWithDifferentUserData32;
  if (field(AccountWord.ledger, 1)) return Code.existsWithDifferentLedger;
  if ((sentCode & 0xffff) !== (keptCode & 0xffff)) return Code.existsWithDifferentCode;
  if (field(AccountWord.creditLimit, 2)) return Code.existsWithDifferentCreditLimit;
  if ((sentTerms & 0xffff) !== (keptTerms & 0xffff)) return Code.existsWithDifferentTariff;
  if (sentTerms >>> 24 !== keptTerms >>> 24) return Code.existsWithDifferentTier;
  const isImported = ((sentCode >>> 16) & AccountFlags.imported) !== 0;
  return isImported && field(AccountWord.timestamp, 2) ? Code.existsWithDifferentTimestamp : Code.ok;
}

/** The same for an ACCOUNT_CHANGE record and the stored event of its change. `institution` asks. */
export function compareAccountChange(words: Uint32Array, at: number, institution: number, stored: DataView): number {
  const record = EVENT_PREFIX_BYTES / 4;
  const field = (word: number, count: number): boolean => differs(words, at + word, stored, record + word, count);
  // Another institution learns nothing but that the id is taken.
  if (institution !== stored.getUint32(8, true)) return Code.existsWithDifferentOwner;
  if (stored.getUint8(0) !== EventTypes.accountChange) return Code.existsWithDifferentSignal;
  const sent = words[at + ChangeWord.fields] as number;
  const kept = stored.getUint32((record + ChangeWord.fields) * 4, true);
  if ((sent & 0xffff) !== (kept & 0xffff)) return Code.existsWithDifferentFlags;
  if (field(ChangeWord.accountId, 4)) return Code.existsWithDifferentAccount;
  if ((sent & 0xff_ffff) !== (kept & 0xff_ffff)) return Code.existsWithDifferentState;
  if (field(ChangeWord.creditLimit, 2)) return Code.existsWithDifferentCreditLimit;
  if (sent !== kept) return Code.existsWithDifferentTier;
  return Code.ok;
}

function isZero(words: Uint32Array, at: number, count: number): boolean {
  for (let word = 0; word < count; word++) if (words[at + word] !== 0) return false;
  return true;
}
