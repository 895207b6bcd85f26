/** The answer to a card message: what is echoed, and what is added. */
import { Message } from '../iso8583/message.ts';
import { answerMti } from '../link/codes.ts';
import { actionCodeOf } from './action-codes.ts';

/** Fields that an answer has as the request had them (ISO 8583:1987, table 4.2). Tracks, PIN and chip data are never echoed. */
const ECHOED = [2, 3, 4, 7, 11, 12, 13, 15, 24, 25, 32, 33, 37, 41, 42, 49, 70, 90] as const;
/** In 1993 field 12 has the date too, and field 56 the original. */
const ECHOED_1993 = [2, 3, 4, 7, 11, 12, 15, 24, 28, 32, 33, 37, 41, 42, 49, 56] as const;

/** What an answer adds; absent fields are left out. */
export interface Decision {
  /** DE39 of 1987. */
  readonly responseCode: string;
  /** DE38. */
  readonly approvalCode?: string | undefined;
  /** DE54, one text for each amount. */
  readonly amounts?: readonly string[] | undefined;
  /** DE4 in minor units, when less than what was asked for is approved. */
  readonly approvedAmount?: number;
  /** DE55: tags for the card. */
  readonly chip?: Uint8Array;
}

/** @param request as it came; nothing of it changes */
export function answerTo(request: Message, decision: Decision): Message {
  const { spec } = request;
  const answer = new Message(spec, answerMti(request.mti));
  for (const number of spec.version === '1' ? ECHOED_1993 : ECHOED) answer.echo(number, request);
  const { responseCode, approvalCode, amounts, approvedAmount, chip } = decision;
  if (approvedAmount !== undefined) answer.set(4, String(approvedAmount).padStart(12, '0'));
  if (approvalCode !== undefined) answer.set(38, approvalCode);
  answer.set(39, spec.version === '1' ? actionCodeOf(request.mti, responseCode) : responseCode);
  if (amounts !== undefined && amounts.length > 0) answer.set(54, amounts.slice(0, AMOUNTS_MAX).join(''));
  if (chip !== undefined) answer.set(55, chip);
  return answer;
}

const AMOUNTS_MAX = 6;

/** Kinds of amounts in DE54. */
export const AmountTypes = { ledger: '01', available: '02' } as const;

/**
 * One amount of DE54: account type (digits 3 and 4 of DE3, or 5 and 6), amount type, currency, sign, amount.
 *
 * @param minor negative = the cardholder owes it
 */
export function additionalAmount(accountType: string, type: string, currency: number, minor: number): string {
  const sign = minor < 0 ? 'D' : 'C';
  return `${accountType}${type}${String(currency).padStart(3, '0')}${sign}${String(Math.abs(minor)).padStart(12, '0')}`;
}
