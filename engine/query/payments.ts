/** Look-ups and lists of payments. */

import { LIMITS } from '../../protocol/limits.ts';
import { PAGE, PAYMENT, PAYMENT_OPERATION, PAYMENT_QUERY, PAYMENT_STATE } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { find } from '../ledger/key-index.ts';
import { isZeroId, readU64 } from '../ledger/words.ts';
import { LinkField, PaymentEventByte, PaymentField, StateField } from '../payment/event.ts';
import type { Payments } from '../payment/payments.ts';
import { readView64 } from '../payment/version.ts';
import type { IdsQuery } from './accounts.ts';
import { writePage } from './accounts.ts';
import type { ReplyArea } from './reply-area.ts';

const ID_WORDS = 4;
const VIEW_RECORDS_BYTES = PAYMENT.size + PAYMENT_STATE.size + PAYMENT_OPERATION.size;
/** Payments that one page may look at to find those that match: bounds the time of a query. */
const VISITS_MAX = 10_000;

/** Reply: count × (RESULT, and a payment view where the code is ok). */
export function lookupPayments(payments: Payments, query: IdsQuery, reply: ReplyArea): void {
  for (let index = 0; index < query.count; index++) {
    const lsn = payments.find(query.words, query.start + index * ID_WORDS);
    const version = lsn === 0 ? undefined : payments.versions.read(lsn);
    const code = whyHidden(payments, version, query.institution);
    reply.result(payments.ledger.now, code);
    if (version !== undefined && code === Code.ok) writeView(version, reply);
  }
  reply.close(query.count);
}

function whyHidden(payments: Payments, version: DataView | undefined, institution: number): number {
  if (version === undefined) return Code.paymentNotFound;
  return payments.maySee(version, institution) ? Code.ok : Code.paymentForbidden;
}

function writeView(version: DataView, reply: ReplyArea): void {
  reply.copy(version, PaymentEventByte.payment, VIEW_RECORDS_BYTES);
  reply.copy(version, PaymentEventByte.reference, version.byteLength - PaymentEventByte.reference);
}

const QueryWord = {
  accountId: PAYMENT_QUERY.at.accountId >> 2,
  cursor: PAYMENT_QUERY.at.cursor >> 2,
  limit: PAYMENT_QUERY.at.limit >> 2,
  /** Lower half: length of the reference; third byte: state. */
  referenceAndState: PAYMENT_QUERY.at.referenceLength >> 2,
  reference: PAYMENT_QUERY.size >> 2,
} as const;

/** Reply: RESULT, PAGE, then payment views, newest first. The reference follows the record, zero-padded to 16. */
export function queryPayments(payments: Payments, query: IdsQuery, reply: ReplyArea): void {
  const { words, start, institution } = query;
  const { ledger } = payments;
  const limit = words[start + QueryWord.limit] as number;
  const cursor = readU64(words, start + QueryWord.cursor);
  const byReference = ((words[start + QueryWord.referenceAndState] as number) & 0xffff) > 0;
  const code = whyNoPage(payments, cursor, limit, institution);
  reply.result(ledger.now, code);
  const page = reply.end;
  reply.zeros(PAGE.size);
  if (code !== Code.ok) return reply.close(0);

  const link = byReference ? LinkField.previousOfReference : LinkField.previousOfInstitution;
  let lsn = cursor === 0 ? newest(payments, query, byReference) : cursor;
  let count = 0;
  for (let visits = 0; lsn !== 0 && count < limit && visits < VISITS_MAX; visits++) {
    const first = payments.versions.read(lsn);
    const previous = readView64(first, link);
    const version = newestVersion(payments, first, lsn);
    if (matches(version, query)) {
      writeView(version, reply);
      count++;
    }
    lsn = previous;
  }
  writePage(reply, page, lsn, count);
  reply.close(count);
}

function whyNoPage(payments: Payments, cursor: number, limit: number, institution: number): number {
  if (limit < 1 || limit > LIMITS.pageEntriesMax) return Code.limitOutOfRange;
  if (cursor === 0) return Code.ok;
  const first = payments.versions.readFirstUntrusted(cursor);
  return first?.getUint32(8, true) === institution ? Code.ok : Code.cursorInvalid;
}

function newest(payments: Payments, query: IdsQuery, byReference: boolean): number {
  const { words, start, institution } = query;
  if (!byReference) return payments.heads.get(institution) ?? 0;
  const bytes = (words[start + QueryWord.referenceAndState] as number) & 0xffff;
  payments.referenceKey(words, start + QueryWord.reference, bytes, institution);
  const { key, tables } = payments;
  return find(tables.references, key, 0);
}

function newestVersion(payments: Payments, first: DataView, lsn: number): DataView {
  const word = (index: number): number => first.getUint32((PaymentField.id + index) * 4, true);
  const newestLsn = payments.tables.payments.get(word(0), word(1), word(2), word(3));
  return payments.versions.read(newestLsn === 0 ? lsn : newestLsn);
}

function matches(version: DataView, query: IdsQuery): boolean {
  const { words, start } = query;
  const filter = words[start + QueryWord.referenceAndState] as number;
  const state = (filter >>> 16) & 0xff;
  if (state !== 0 && version.getUint8(StateField.state * 4) !== state) return false;
  const account = start + QueryWord.accountId;
  const involves = (field: number): boolean => sameWords(words, account, version, field * 4, ID_WORDS);
  if (!isZeroId(words, account) && !involves(PaymentField.payerAccountId) && !involves(PaymentField.payeeAccountId)) {
    return false;
  }
  const bytes = filter & 0xffff;
  if (bytes === 0) return true;
  if (version.getUint16(PaymentField.referenceLength * 4, true) !== bytes) return false;
  return sameWords(words, start + QueryWord.reference, version, PaymentEventByte.reference, (bytes + 3) >> 2);
}

function sameWords(words: Uint32Array, at: number, event: DataView, offset: number, count: number): boolean {
  for (let word = 0; word < count; word++) {
    if (words[at + word] !== event.getUint32(offset + word * 4, true)) return false;
  }
  return true;
}
