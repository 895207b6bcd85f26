/**
 * Dry runs: a command is decided by the same code and on the same accounts and holds as any other, and then all of it is taken
 * back, before the next command. Nothing else pays for it, because a dry run has a ledger of its own:
 *
 *   accounts, holds     shared; every change is recorded and rolled back
 *   timers              shared; set only when a change is kept, so never
 *   indexes             read through; what is put stays in an overlay that is thrown away
 *   events              written behind those of the batch, and rewound
 *   other partitions    rehearse what they would be sent, each by itself (enquiry.ts)
 *
 * What needs other partitions is rehearsed twice: the first time to see what to ask of them, the second time with their answers, which
 * are taken as the real ones are. Between the two anything may happen: a dry run holds nothing.
 */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { RESULT, ResultFlags } from '../../protocol/records.ts';
import { RouterFlags } from '../gateway.ts';
import type { ClearingMark } from '../ledger/clearing.ts';
import type { PartitionPlace } from '../ledger/ledger.ts';
import { Ledger } from '../ledger/ledger.ts';
import { Overlay } from '../ledger/overlay.ts';
import { AWAITS_ANSWERS, AWAITS_TURN, isUndecided } from '../ledger/results.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { Payments } from '../payment/payments.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import { Risk } from '../risk/risk.ts';
import { ClearingKinds, SETTLEMENT_BYTES, SettlementWord } from './clearing-commands.ts';
import type { Command, CommandState, Handler } from './dispatch.ts';
import { type Enquiry, enquiriesOf, readAnswers, settleRehearsed, sortAsked } from './enquiry.ts';

/** Word of a RESULT that its code and its flags share. */
const CODE_WORD = RESULT.at.code >> 2;
const DRY_RUN = ResultFlags.dryRun << 16;

/** A dry run under way. */
interface Run {
  readonly mark: ClearingMark;
  /** Positions from here on are its own. */
  readonly begun: number;
  /** The batch. */
  readonly words: Uint32Array;
  /** What other partitions would answer, if they were asked: word where it begins, and its length. */
  readonly answers: { readonly start: number; readonly bytes: number } | undefined;
}

export class Rehearsal {
  readonly #real: CommandState;
  readonly #dry: CommandState;
  #enquiries: (readonly Enquiry[])[] = [];
  readonly #overlays: Readonly<Record<'transfers' | 'resolutions' | 'histories' | 'changes', Overlay>> &
    Readonly<Record<'payments' | 'operations' | 'references', Overlay>>;

  constructor(real: CommandState, place: PartitionPlace) {
    const { tables } = real.ledger;
    const ofPayments = real.payments.tables;
    const overlays = {
      transfers: new Overlay(tables.transfers),
      resolutions: new Overlay(tables.resolutions),
      histories: new Overlay(tables.histories),
      changes: new Overlay(tables.changes),
      payments: new Overlay(ofPayments.payments),
      operations: new Overlay(ofPayments.operations),
      references: new Overlay(ofPayments.references),
    };
    const ledger = new Ledger({ ...tables, ...overlays }, place, real.ledger.clearing);
    const risk = new Risk(real.risk, ledger, true);
    this.#real = real;
    this.#overlays = overlays;
    this.#dry = { ...real, ledger, payments: new Payments(ledger, real.entities, overlays, risk, real.payments.locks) };
  }

  /** What the dry runs of the batch ask of other partitions, and forgets it. The reply of each has the number of its entry. */
  takeEnquiries(): readonly (readonly Enquiry[])[] {
    const taken = this.#enquiries;
    if (taken.length > 0) this.#enquiries = [];
    return taken;
  }

  /** Lets `handler` answer the command, and takes back what it did. */
  run(handler: Handler, command: Command, reply: ReplyArea): void {
    const { ledger, payments, events, results } = this.#dry;
    const { accounts, clearing, books } = ledger;
    const { end, count, nextLsn } = events;
    const accountsBefore = accounts.count;
    const mark = clearing.mark();
    const head = this.#real.payments.heads.get(command.institution);
    payments.heads.clear();
    if (head !== undefined) payments.heads.set(command.institution, head);
    ledger.now = this.#real.ledger.now;
    const answers = takeAnswers(command);
    const { buffer } = events.bytes;

    books.undo.begin();
    handler(this.#dry, command, reply);
    results.awaiting = 0;
    if (isClients(command)) this.#complete(reply, { mark, begun: nextLsn, words: command.words, answers });
    books.undo.rollback();
    accounts.truncate(accountsBefore);
    clearing.backTo(mark, nextLsn);
    payments.locks.rewind(nextLsn);
    events.rewind(end, count);
    events.useBuffer(buffer);
    for (const overlay of Object.values(this.#overlays)) overlay.clear();
  }

  /** Gives every RESULT of the reply its flag, and sees to those that are not there yet. */
  #complete(reply: ReplyArea, run: Run): void {
    const { words } = reply;
    const places = placesOf(reply);
    const undecided = places.filter((at) => isUndecided((words[at + CODE_WORD] as number) & 0xffff));
    // Somebody else waits for the same: then it is decided again from the start.
    const real = undecided.find((at) => readU64(words, at) < run.begun);
    if (real !== undefined) this.#await(reply, readU64(words, real), AWAITS_TURN);
    else if (undecided.length > 0) this.#goOn(reply, undecided, run);
    for (const at of places) words[at + CODE_WORD] = (words[at + CODE_WORD] as number) | DRY_RUN;
  }

  /** Settles what was begun by the answers of others, or has them asked. */
  #goOn(reply: ReplyArea, undecided: readonly number[], { mark, begun, words, answers }: Run): void {
    const { ledger } = this.#dry;
    const { outbox, joints } = ledger.clearing;
    const asked = sortAsked(ledger, outbox.splice(mark.outbox), joints.splice(mark.joints));
    const settlements =
      answers === undefined ? undefined : settleRehearsed(this.#dry, asked, words, answers.start, answers.bytes);
    if (settlements === undefined) {
      this.#await(reply, this.#enquiries.length, AWAITS_ANSWERS);
      this.#enquiries.push(enquiriesOf(ledger, asked, begun));
      return;
    }
    const settled = new Map<number, number>();
    for (let at = 0; at < settlements.length; at += SETTLEMENT_BYTES >> 2) settled.set(readU64(settlements, at), at);
    for (const at of undecided) {
      const from = settled.get(readU64(reply.words, at));
      if (from === undefined) throw new Error('a dry run was answered, and is not settled');
      const result = from + SettlementWord.result;
      reply.words.set(settlements.subarray(result, result + strideOf(reply)), at);
    }
  }

  /** The whole reply waits: for what is at a position, or for the answers to an enquiry. */
  #await(reply: ReplyArea, what: number, code: number): void {
    const first = bodyOf(reply);
    writeU64(reply.words, first, what);
    reply.words[first + CODE_WORD] = code;
    this.#dry.results.awaiting = 1;
  }
}

/** Whether a command is a client's, and not another partition's. */
function isClients({ kind }: Command): boolean {
  return kind !== ClearingKinds.rehearse;
}

/** Steps over the answers in front of a command. */
function takeAnswers(command: Command): Run['answers'] {
  if ((command.flags & RouterFlags.withAnswers) === 0) return undefined;
  const { start, words } = command;
  const { bytes } = readAnswers(new DataView(words.buffer, words.byteOffset), start * 4);
  command.start += bytes >> 2;
  command.bodyBytes -= bytes;
  return { start, bytes };
}

function bodyOf({ frameStart }: ReplyArea): number {
  return (frameStart + FRAME_HEADER.size) >> 2;
}

/** Words of each result: RESULT and what belongs to it. */
function strideOf(reply: ReplyArea): number {
  const count = reply.words[(reply.frameStart + FRAME_HEADER.at.count) >> 2] as number;
  return (reply.frameLength - FRAME_HEADER.size) / count / 4;
}

/** Where the results are. */
function placesOf(reply: ReplyArea): number[] {
  const count = reply.words[(reply.frameStart + FRAME_HEADER.at.count) >> 2] as number;
  return Array.from({ length: count }, (_, index) => bodyOf(reply) + index * strideOf(reply));
}
