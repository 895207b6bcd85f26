/**
 * One partition's part in what several carry out together: see joint.ts. Its records have one side here at least; what is elsewhere
 * is stood for by the clearing account with the partition that decides.
 *
 *   (none) ── complete ──▶ done                       prepared ── commit ──▶ done
 *     ├── prepare ──▶ prepared                            └── abort ──▶ aborted
 *     └── complete, prepare ──▶ refused
 *
 * A part is known by the position of the request in the partition that decides, so whatever comes twice gets its first answer.
 */
import { BALANCES, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { whyNotPosted } from './account-states.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { clearingAccount, partKey } from './clearing.ts';
import { compareTransfer } from './compare.ts';
import { takeHold } from './crossings.ts';
import { EventTypes } from './events.ts';
import { JointFlags, PartPhases, PartWord, PLACE_WORD, partEventBytes, RECORD_WORDS, readPart } from './joint-event.ts';
import { enter, find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { LegRoles } from './leg-event.ts';
import { releaseLegHold, reserveLeg, writeEngineId } from './legs.ts';
import { writeBalances } from './results.ts';
import { isReverted } from './revert.ts';
import { isReservedId, transferFlags } from './validate.ts';
import { readU64, TransferWord, writeU64 } from './words.ts';

const { pending, postPending, voidPending, keepRemainder, revert } = TransferFlags;

/** What a partition is asked to do with its part. */
export const PartModes = { complete: 0, prepare: 1, follow: 2, commit: 3, abort: 4 } as const;

export interface Part {
  /** Position of the request in the partition that decides. */
  readonly lsn: number;
  readonly peer: number;
  /** Who asked for it. */
  readonly institution: number;
  readonly mode: number;
  /** JointFlags. */
  readonly flags: number;
  readonly count: number;
  /** The TRANSFER records, from word `at`. */
  readonly words: Uint32Array;
  readonly at: number;
}

type Records = Pick<Part, 'peer' | 'count' | 'words' | 'at'>;

export interface PartAnswer {
  readonly code: number;
  /** Place of the record that was refused. */
  readonly culprit: number;
  /** Credit accounts of clients' transfers that were carried out. */
  readonly credits: readonly PartCredit[];
}

export interface PartCredit {
  readonly place: number;
  /** Four u64, as in BALANCES, right after the transfer; zeros when they are not the institution's to see. */
  readonly balances: Uint32Array;
}

/** One account's. */
const BALANCE_WORDS = BALANCES.size >> 3;
const YES: PartAnswer = { code: Code.ok, culprit: 0, credits: [] };

export function carryOutPart(ledger: Ledger, part: Part): PartAnswer {
  const known = findPart(ledger, part);
  if (part.mode === PartModes.commit || part.mode === PartModes.abort) return conclude(ledger, part);
  if (known !== 0) {
    const { code, culprit } = readPart(ledger.events.read(known));
    return { code, culprit, credits: [] };
  }
  const answer = part.mode === PartModes.follow ? YES : judgePart(ledger, part);
  if (answer.code !== Code.ok) {
    writePart(ledger, part, PartPhases.refused, answer, 0);
  } else if (part.mode === PartModes.prepare) {
    preparePart(ledger, part);
  } else {
    const credits = applyAll(ledger, part);
    writePart(ledger, part, PartPhases.done, YES, 0);
    return { ...YES, credits };
  }
  return answer;
}

function findPart(ledger: Ledger, part: Part): number {
  writeEngineId(ledger.legId, 0, part.peer, part.lsn);
  return find(ledger.tables.transfers, ledger.legId, 0);
}

/** Tries the records one after the other on the books, and takes everything back. */
function judgePart(ledger: Ledger, part: Part): PartAnswer {
  const short = openClearingAccounts(ledger, part);
  if (short !== undefined) return short;
  const { undo } = ledger.books;
  let answer = YES;
  undo.begin();
  for (let index = 0; index < part.count && answer.code === Code.ok; index++) {
    const at = part.at + index * RECORD_WORDS;
    const code = judge(ledger, part, at);
    if (code === Code.ok) move(ledger, part.words, at);
    else answer = { code, culprit: part.words[at + PLACE_WORD] as number, credits: [] };
  }
  undo.rollback();
  return answer;
}

/** Opens the clearing accounts that are missing, before anything is tried: an account cannot be taken back. */
function openClearingAccounts(ledger: Ledger, part: Part): PartAnswer | undefined {
  const { words } = part;
  let holds = 0;
  for (let index = 0; index < part.count; index++) {
    const at = part.at + index * RECORD_WORDS;
    if ((transferFlags(words, at) & (postPending | voidPending)) !== 0) continue;
    holds++;
    const isLocal =
      !isElsewhere(ledger, words, at, 'debitAccountId') && !isElsewhere(ledger, words, at, 'creditAccountId');
    if (isLocal || !ownSideFits(ledger, words, at)) continue;
    if (clearingAccount(ledger, part.peer, words[at + TransferWord.ledger] as number) === NO_ACCOUNT) {
      return { code: Code.accountTableFull, culprit: words[at + PLACE_WORD] as number, credits: [] };
    }
  }
  // What is prepared is held, whatever it becomes.
  if (holds > ledger.holds.capacityMax - ledger.holds.count)
    return { code: Code.pendingTableFull, culprit: 0, credits: [] };
  return undefined;
}

type SideField = 'debitAccountId' | 'creditAccountId';

function isElsewhere(ledger: Ledger, words: Uint32Array, at: number, field: SideField): boolean {
  return ledger.isElsewhere(words, at + TransferWord[field]);
}

/** Whether the side that is here exists and has the record's ledger: for others no clearing account is opened. */
function ownSideFits(ledger: Ledger, words: Uint32Array, at: number): boolean {
  const field = isElsewhere(ledger, words, at, 'debitAccountId') ? 'creditAccountId' : 'debitAccountId';
  const account = ledger.findAccount(words, at + TransferWord[field]);
  return account !== NO_ACCOUNT && ledger.accounts.ledger[account] === words[at + TransferWord.ledger];
}

/** Account on one side of a record: the clearing account when it is elsewhere, NO_ACCOUNT when there is none. */
function sideIn(ledger: Ledger, part: Records, at: number, field: SideField): number {
  const { words } = part;
  return isElsewhere(ledger, words, at, field)
    ? ledger.clearing.find(part.peer, words[at + TransferWord.ledger] as number)
    : ledger.findAccount(words, at + TransferWord[field]);
}

/** Judges the record at word `at`, and says to the ledger what it would move. */
function judge(ledger: Ledger, part: Part, at: number): number {
  const { words } = part;
  const { accounts } = ledger;
  const known = find(ledger.tables.transfers, words, at);
  if (known !== 0) return whyTaken(ledger, part, at, known);
  if ((transferFlags(words, at) & (postPending | voidPending)) !== 0) return judgeEnding(ledger, part, at);
  const currency = words[at + TransferWord.ledger] as number;
  const debit = sideIn(ledger, part, at, 'debitAccountId');
  const credit = sideIn(ledger, part, at, 'creditAccountId');
  ledger.take(debit, credit, readU64(words, at + TransferWord.amount));
  if (debit === NO_ACCOUNT) return missing(ledger, part, at, 'debitAccountId', Code.debitAccountNotFound);
  if (credit === NO_ACCOUNT) return missing(ledger, part, at, 'creditAccountId', Code.creditAccountNotFound);
  if (accounts.ledger[debit] !== currency || accounts.ledger[credit] !== currency) {
    return Code.accountsMustHaveTheSameLedger;
  }
  // One that went before may have come here first.
  const isRevert = (transferFlags(words, at) & revert) !== 0;
  if (isRevert && isReverted(ledger, words, at + TransferWord.pendingId)) return Code.originalTransferAlreadyReverted;
  if (spendsCampaign(ledger, part, at) && !ledger.mayDebit(debit, part.institution)) return Code.debitAccountForbidden;
  if ((part.flags & JointFlags.following) === 0)
    return ledger.judge(debit, credit, ledger.amount, (transferFlags(words, at) & pending) !== 0);
  const frozen = whyNotPosted(accounts, debit, credit);
  return frozen === Code.ok ? ledger.judgeAmount(debit, credit, ledger.amount, false) : frozen;
}

/** A side that is elsewhere has no clearing account when the one that is here does not fit. */
function missing(ledger: Ledger, part: Part, at: number, field: SideField, code: number): number {
  if (!isElsewhere(ledger, part.words, at, field)) return code;
  const other = field === 'debitAccountId' ? 'creditAccountId' : 'debitAccountId';
  const own = ledger.findAccount(part.words, at + TransferWord[other]);
  if (own !== NO_ACCOUNT) return Code.accountsMustHaveTheSameLedger;
  return other === 'debitAccountId' ? Code.debitAccountNotFound : Code.creditAccountNotFound;
}

/** Whether the record debits a campaign for a new payment: only its own institution may. */
function spendsCampaign(ledger: Ledger, part: Part, at: number): boolean {
  return (
    (part.flags & JointFlags.newPayment) !== 0 &&
    part.words[at + TransferWord.userData32] === LegRoles.campaign &&
    !isElsewhere(ledger, part.words, at, 'debitAccountId')
  );
}

/** Somebody here uses the id of a record for something else. */
function whyTaken(ledger: Ledger, part: Part, at: number, known: number): number {
  const stored = ledger.events.read(known);
  const difference = compareTransfer(part.words, at, stored);
  return difference === Code.ok ? Code.existsOutsideChain : difference;
}

function judgeEnding(ledger: Ledger, part: Part, at: number): number {
  takeEnding(ledger, part.words, at);
  if ((transferFlags(part.words, at) & postPending) === 0) return Code.ok;
  return whyNotPosted(ledger.accounts, ledger.debit, ledger.credit);
}

/** Says to the ledger what the post or void at word `at` ends. The partition that decides holds the same, so it is there. */
function takeEnding(ledger: Ledger, words: Uint32Array, at: number): void {
  takeHold(ledger, words, at, readU64(words, at + TransferWord.amount));
}

/** Moves on the books what was judged, without an event. */
function move(ledger: Ledger, words: Uint32Array, at: number): void {
  const flags = transferFlags(words, at);
  const { books, holds, debit, credit, amount, hold } = ledger;
  if ((flags & (postPending | voidPending)) !== 0) {
    const posted = (flags & postPending) !== 0 ? amount : 0;
    books.settle(hold, posted, (flags & keepRemainder) !== 0 ? 0 : (holds.remaining[hold] as number) - posted);
  } else if ((flags & pending) !== 0) {
    books.reserve(words, at, debit, credit, amount, 0, 0);
  } else {
    books.transfer(debit, credit, amount);
  }
}

function applyAll(ledger: Ledger, part: Part): PartCredit[] {
  const credits: PartCredit[] = [];
  for (let index = 0; index < part.count; index++) {
    const at = part.at + index * RECORD_WORDS;
    const isClients = !isReservedId(part.words, at);
    apply(ledger, part, at);
    if (!isClients) continue;
    const balances = new Uint32Array(BALANCE_WORDS);
    if (ledger.mayDebit(ledger.credit, part.institution)) writeBalances(balances, 0, ledger.accounts, ledger.credit);
    credits.push({ place: part.words[at + PLACE_WORD] as number, balances });
  }
  return credits;
}

/** Carries out the record at word `at`, which was judged here or has to be followed. */
function apply(ledger: Ledger, part: Part, at: number): void {
  const { words } = part;
  if ((transferFlags(words, at) & (postPending | voidPending)) !== 0) {
    takeEnding(ledger, words, at);
  } else {
    const debit = sideIn(ledger, part, at, 'debitAccountId');
    const credit = sideIn(ledger, part, at, 'creditAccountId');
    ledger.take(debit, credit, readU64(words, at + TransferWord.amount));
  }
  // Between preparing and committing somebody here may have used the id for something else.
  if (!isReservedId(words, at) && find(ledger.tables.transfers, words, at) !== 0) {
    writeEngineId(words, at, part.peer, part.lsn + 1 + (words[at + PLACE_WORD] as number));
  }
  ledger.record(words, at, part.institution, Code.ok);
}

/** Keeps the records, and holds what they will move. Holds are under the id of their place in the event. */
function preparePart(ledger: Ledger, part: Part): void {
  holdPrepared(ledger, part, part.lsn, writePart(ledger, part, PartPhases.prepared, YES, part.count));
}

function holdPrepared(ledger: Ledger, part: Records, request: number, lsn: number): void {
  ledger.clearing.prepared.set(partKey(part.peer, request), { lsn, count: part.count });
  for (let index = 0; index < part.count; index++) {
    const at = part.at + index * RECORD_WORDS;
    if ((transferFlags(part.words, at) & (postPending | voidPending)) !== 0) continue;
    const debit = sideIn(ledger, part, at, 'debitAccountId');
    const credit = sideIn(ledger, part, at, 'creditAccountId');
    reserveLeg(ledger, lsn + 1 + index, debit, credit, readU64(part.words, at + TransferWord.amount), 0);
  }
}

function conclude(ledger: Ledger, part: Part): PartAnswer {
  const prepared = ledger.clearing.prepared.get(partKey(part.peer, part.lsn));
  // It was refused here, or has heard of it before.
  if (prepared === undefined) return YES;
  const { count, records } = readPart(ledger.events.read(prepared.lsn));
  releasePrepared(ledger, part.peer, part.lsn);
  const isCommit = part.mode === PartModes.commit;
  const whole: Part = { ...part, count, words: records, at: 0 };
  const credits = isCommit ? applyAll(ledger, whole) : [];
  writePart(ledger, whole, isCommit ? PartPhases.done : PartPhases.aborted, YES, 0);
  return { ...YES, credits };
}

/** Gives back what is held for a request of another partition, if anything is. */
function releasePrepared(ledger: Ledger, peer: number, request: number): void {
  const key = partKey(peer, request);
  const prepared = ledger.clearing.prepared.get(key);
  if (prepared === undefined) return;
  ledger.clearing.prepared.delete(key);
  for (let index = 0; index < prepared.count; index++) releaseLegHold(ledger, prepared.lsn + 1 + index);
}

/** Writes how the part stands now, with its first `kept` records; returns the position of the event. */
function writePart(ledger: Ledger, part: Part, phase: number, answer: PartAnswer, kept: number): number {
  const { events } = ledger;
  const event = events.append(EventTypes.part, phase, answer.code, partEventBytes(kept), part.institution);
  const { words } = events;
  words.fill(0, event + PartWord.lsn, event + PartWord.records);
  writeU64(words, event + PartWord.lsn, part.lsn);
  words[event + PartWord.peer] = part.peer;
  words[event + PartWord.countAndCulprit] = kept | (answer.culprit << 16);
  words.set(part.words.subarray(part.at, part.at + kept * RECORD_WORDS), event + PartWord.records);
  const lsn = events.lsnOf(event);
  writeEngineId(ledger.legId, 0, part.peer, part.lsn);
  enter(ledger.tables.transfers, ledger.legId, 0, lsn);
  return lsn;
}

/** Applies the part event whose first word is `at`: for recovery. */
export function replayPart(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const { legId } = ledger;
  const peer = words[at + PartWord.peer] as number;
  const request = readU64(words, at + PartWord.lsn);
  writeEngineId(legId, 0, peer, request);
  enter(ledger.tables.transfers, legId, 0, lsn);
  const phase = ((words[at] as number) >>> 8) & 0xff;
  if (phase !== PartPhases.prepared) return releasePrepared(ledger, peer, request);
  const count = (words[at + PartWord.countAndCulprit] as number) & 0xffff;
  const records = words.subarray(at + PartWord.records, at + PartWord.records + count * RECORD_WORDS);
  holdPrepared(ledger, { peer, count, words: records, at: 0 }, request, lsn);
}
