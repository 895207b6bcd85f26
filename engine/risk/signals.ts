/**
 * The reportSignals message: what happened to payers outside of payments, counted by the risk rules. For each record: shape (pure, not
 * remembered) → idempotency → state, as with account changes, whose ids these share.
 *
 *   signal := prefix (16) ‖ RISK_SIGNAL (64)
 */
import { ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { RISK_SIGNAL, Signals } from '../../protocol/risk.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { RecordsMessage } from '../ledger/create-transfers.ts';
import { EVENT_PREFIX_BYTES, EventTypes } from '../ledger/events.ts';
import { enter, find } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ResultWriter } from '../ledger/results.ts';
import { isReservedId, isZeroPair } from '../ledger/validate.ts';
import { isZeroId, SignalWord, writeU64 } from '../ledger/words.ts';
import type { Risk } from './risk.ts';

export const SIGNAL_EVENT_BYTES = EVENT_PREFIX_BYTES + RISK_SIGNAL.size;

const RECORD_WORDS = RISK_SIGNAL.size >> 2;
const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
const KINDS: ReadonlySet<number> = new Set(Object.values(Signals));

export function reportSignals(ledger: Ledger, risk: Risk, message: RecordsMessage, results: ResultWriter): void {
  const { words, start, count, institution } = message;
  for (let index = 0; index < count; index++) {
    const at = start + index * RECORD_WORDS;
    const malformed = validateSignal(words, at);
    const known = malformed === Code.ok ? find(ledger.tables.changes, words, at) : 0;
    if (malformed !== Code.ok) {
      results.set(index, ledger.now, malformed, 0);
    } else if (known !== 0) {
      replay(ledger, words, at, institution, index, known, results);
    } else if (risk.isBehind) {
      results.set(index, ledger.now, Code.busy, 0);
    } else {
      const code = whyNotTaken(ledger, words, at, institution);
      record(ledger, words, at, institution, code);
      if (code === Code.ok) risk.countSignal(words, at);
      results.set(index, ledger.now, code, 0);
    }
  }
}

/** Applies the signal event whose first word is `at`: for recovery. */
export function replaySignal(ledger: Ledger, risk: Risk, words: Uint32Array, at: number, lsn: number): void {
  const signal = at + PREFIX_WORDS;
  enter(ledger.tables.changes, words, signal, lsn);
  if ((words[at] as number) >>> 16 === Code.ok) risk.countSignal(words, signal);
}

function validateSignal(words: Uint32Array, at: number): number {
  const kind = words[at + SignalWord.kind] as number;
  if (!isZeroPair(words, at + SignalWord.timestamp)) return Code.timestampMustBeZero;
  if (kind >>> 8 !== 0 || words[at + SignalWord.reserved32] !== 0) return Code.reservedField;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (isZeroId(words, at + SignalWord.accountId)) return Code.accountIdMustNotBeZero;
  return KINDS.has(kind) ? Code.ok : Code.signalKindUnknown;
}

function whyNotTaken(ledger: Ledger, words: Uint32Array, at: number, institution: number): number {
  const account = ledger.findAccount(words, at + SignalWord.accountId);
  if (account === NO_ACCOUNT) return Code.accountNotFound;
  return ledger.mayDebit(account, institution) ? Code.ok : Code.accountForbidden;
}

function record(
  { events, now, tables }: Ledger,
  words: Uint32Array,
  at: number,
  institution: number,
  code: number,
): void {
  const event = events.append(EventTypes.signal, 0, code, SIGNAL_EVENT_BYTES, institution);
  const stored = event + PREFIX_WORDS;
  for (let word = 0; word < RECORD_WORDS; word++) events.words[stored + word] = words[at + word] as number;
  writeU64(events.words, stored + SignalWord.timestamp, now);
  enter(tables.changes, words, at, events.lsnOf(event));
}

/** Answers an id that was used before: the first answer again, or which field differs. */
function replay(
  ledger: Ledger,
  words: Uint32Array,
  at: number,
  institution: number,
  index: number,
  lsn: number,
  results: ResultWriter,
): void {
  const stored = ledger.events.read(lsn);
  const kept = (word: number): number => stored.getUint32((PREFIX_WORDS + word) * 4, true);
  const differs = (field: number, count: number): boolean => {
    for (let word = field; word < field + count; word++) if (words[at + word] !== kept(word)) return true;
    return false;
  };
  if (stored.getUint32(8, true) !== institution) {
    return results.set(index, ledger.now, Code.existsWithDifferentOwner, 0);
  }
  const isSignal = stored.getUint8(0) === EventTypes.signal;
  if (isSignal && differs(SignalWord.accountId, 4)) {
    return results.set(index, ledger.now, Code.existsWithDifferentAccount, 0);
  }
  if (!isSignal || differs(SignalWord.kind, 1) || differs(SignalWord.device, 4))
    return results.set(index, ledger.now, Code.existsWithDifferentSignal, 0);
  const timestamp = kept(SignalWord.timestamp) + kept(SignalWord.timestamp + 1) * 0x1_0000_0000;
  results.set(index, timestamp, stored.getUint16(2, true), ResultFlags.replayed);
}
