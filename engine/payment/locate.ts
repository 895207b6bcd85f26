/** Whether an operation is for this partition: asked by the router when there are several. */
import { ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { find } from '../ledger/key-index.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import type { Payments } from './payments.ts';

const ID_WORDS = 4;

/**
 * `words` holds the payment's id from word `at`, then the operation's. Reply: RESULT, `ok` when the payment lives here, also one that
 * is not decided yet; with `replayed` when the operation was decided here.
 */
export function locateOperation(payments: Payments, words: Uint32Array, at: number, reply: ReplyArea): void {
  const isHere = payments.find(words, at) !== 0 || payments.locks.holderOf(words, at) !== 0;
  const isDecided = find(payments.tables.operations, words, at + ID_WORDS) !== 0;
  reply.result(payments.ledger.now, isHere ? Code.ok : Code.paymentNotFound, isDecided ? ResultFlags.replayed : 0);
  reply.close(1);
}
