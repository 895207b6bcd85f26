/**
 * Dry runs: a command is decided by the same code and on the same accounts and holds as any other, and then all of it is taken
 * back, before the next command. Nothing else pays for it, because a dry run has a ledger of its own:
 *
 *   accounts, holds     shared; every change is recorded and rolled back
 *   timers              shared; set only when a change is kept, so never
 *   indexes             read through; what is put stays in an overlay that is thrown away
 *   events              written behind those of the batch, and rewound
 *   other partitions    what would be asked of them is forgotten before it is sent
 *
 * What needs another partition is answered `crossesPartitions`, once this one has allowed it: the other cannot be asked what it
 * would answer.
 */
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { BALANCES, RESULT, ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { PartitionPlace } from '../ledger/ledger.ts';
import { Ledger } from '../ledger/ledger.ts';
import { Overlay } from '../ledger/overlay.ts';
import { isUndecided } from '../ledger/results.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { Payments } from '../payment/payments.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import { Risk } from '../risk/risk.ts';
import type { Command, CommandState, Handler } from './dispatch.ts';

/** Word of a RESULT that its code and its flags share. */
const CODE_WORD = RESULT.at.code >> 2;
const DRY_RUN = ResultFlags.dryRun << 16;

export class Rehearsal {
  readonly #real: CommandState;
  readonly #dry: CommandState;
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

  /** Lets `handler` answer the command, and takes back what it did. */
  run(handler: Handler, command: Command, reply: ReplyArea): void {
    const { ledger, payments, events } = this.#dry;
    const { accounts, clearing, books } = ledger;
    const { end, count, nextLsn } = events;
    const accountsBefore = accounts.count;
    const clearingBefore = clearing.mark();
    const head = this.#real.payments.heads.get(command.institution);
    payments.heads.clear();
    if (head !== undefined) payments.heads.set(command.institution, head);
    ledger.now = this.#real.ledger.now;

    books.undo.begin();
    handler(this.#dry, command, reply);
    books.undo.rollback();
    accounts.truncate(accountsBefore);
    clearing.backTo(clearingBefore, nextLsn);
    payments.locks.rewind(nextLsn);
    events.rewind(end, count);
    for (const overlay of Object.values(this.#overlays)) overlay.clear();
    this.#mark(command, reply, nextLsn);
  }

  /** Gives every RESULT of the reply its flag; what would have been asked of other partitions, from `begun` on, is refused. */
  #mark(command: Command, reply: ReplyArea, begun: number): void {
    const { words, frameStart } = reply;
    const { results, ledger } = this.#dry;
    const withBalances = (command.flags & FrameFlags.balances) !== 0;
    const stride = (withBalances ? RESULT.size + BALANCES.size : RESULT.size) >> 2;
    results.awaiting = 0;
    for (let index = 0; index < command.count; index++) {
      const at = (frameStart + FRAME_HEADER.size) / 4 + index * stride;
      const isUndecidedHere = isUndecided((words[at + CODE_WORD] as number) & 0xffff);
      if (isUndecidedHere && readU64(words, at) >= begun) {
        writeU64(words, at, ledger.now);
        words[at + CODE_WORD] = Code.crossesPartitions;
      } else if (isUndecidedHere) results.awaiting++;
      words[at + CODE_WORD] = (words[at + CODE_WORD] as number) | DRY_RUN;
    }
  }
}
