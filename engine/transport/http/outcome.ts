/** What a route's handler gives back, and how a refusal reads: application/problem+json (RFC 9457). */
import { RESULTS, type ResultName, type Retry, resultName, resultSpec } from '../../../protocol/results.ts';
import type { Language } from './language.ts';

export interface Answer {
  readonly kind: 'answer';
  /** JSON value; its amounts are strings. */
  readonly body: unknown;
  /** The same as text, where it was made elsewhere already: then `body` is not looked at. */
  readonly text?: string;
  /** The first answer again: the id was decided before. */
  readonly replayed?: boolean;
  /** Nothing was done or kept. */
  readonly dryRun?: boolean;
}

export interface Problem {
  readonly kind: 'problem';
  readonly code: number;
  /** For the developer, in English; follows the customer's message. */
  readonly detail?: string | undefined;
  /** The field, parameter or header that is wrong. */
  readonly field?: string | undefined;
  /** Instead of the result table's HTTP status, where HTTP has one of its own. */
  readonly status?: number;
  readonly replayed?: boolean;
  /** As in Answer. */
  readonly dryRun?: boolean;
  /** Further members, as the `payment` of a decline. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body that is made while it is sent, piece by piece. Its iterator throws only for bugs and damage: the answer then breaks off. */
export interface Stream {
  readonly kind: 'stream';
  readonly contentType: string;
  readonly pieces: AsyncIterable<string>;
}

export type Outcome = Answer | Problem | Stream;

export function answer(body: unknown, replayed = false): Answer {
  return { kind: 'answer', body, replayed };
}

export function problem(name: ResultName, more: Omit<Problem, 'kind' | 'code'> = {}): Problem {
  return { kind: 'problem', code: RESULTS[name].code, ...more };
}

/** A problem of a code that the engine gave. */
export function problemOfCode(code: number, more: Omit<Problem, 'kind' | 'code'> = {}): Problem {
  return { kind: 'problem', code, field: FIELD_OF[resultName(code) ?? 'ok'], ...more };
}

export function problemStatus(refusal: Problem): number {
  return refusal.status ?? resultSpec(refusal.code).http;
}

export function problemBody(refusal: Problem, language: Language): Record<string, unknown> {
  const spec = resultSpec(refusal.code);
  const message = language === 'zh' ? spec.zh : spec.en;
  return {
    type: `/docs#code-${refusal.code}`,
    title: resultName(refusal.code) ?? 'unknown',
    status: problemStatus(refusal),
    detail: refusal.detail === undefined ? message : `${message} (${refusal.detail})`,
    code: refusal.code,
    name: resultName(refusal.code) ?? 'unknown',
    retry: spec.retry,
    ...(refusal.field === undefined || refusal.field === '' ? {} : { field: refusal.field }),
    ...refusal.extra,
  };
}

export interface ResultBody {
  readonly code: number;
  readonly name: string;
  readonly retry: Retry;
  readonly message: string;
}

/** A result inside an answer that holds several, in the language of the request. */
export function resultBody(code: number, language: Language): ResultBody {
  const spec = resultSpec(code);
  return {
    code,
    name: resultName(code) ?? 'unknown',
    retry: spec.retry,
    message: language === 'zh' ? spec.zh : spec.en,
  };
}

/** Which field of the JSON a result of the engine is about. */
const FIELD_OF: Readonly<Partial<Record<ResultName, string>>> = {
  limitOutOfRange: 'limit',
  cursorInvalid: 'cursor',
  timeRangeEmpty: 'to',
  idMustNotBeZero: 'id',
  idReserved: 'id',
  flagsAreMutuallyExclusive: 'kind',
  debitAccountIdMustNotBeZero: 'debitAccount',
  creditAccountIdMustNotBeZero: 'creditAccount',
  pendingIdMustBeZero: 'pendingId',
  pendingIdMustNotBeZero: 'pendingId',
  pendingIdMustBeDifferent: 'pendingId',
  timeoutReservedForPendingTransfer: 'timeoutSeconds',
  amountMustNotBeZero: 'amount',
  amountMustBeZero: 'amount',
  amountOutOfRange: 'amount',
  ledgerMustNotBeZero: 'currency',
  codeMustNotBeZero: 'code',
  creditLimitOutOfRange: 'creditLimit',
  tierOutOfRange: 'tier',
  referenceTooLong: 'reference',
  linkedEventChainOpen: 'linked',
  existsWithDifferentFlags: 'kind',
  existsWithDifferentPendingId: 'pendingId',
  existsWithDifferentTimeout: 'timeoutSeconds',
  existsWithDifferentDebitAccountId: 'debitAccount',
  existsWithDifferentCreditAccountId: 'creditAccount',
  existsWithDifferentAmount: 'amount',
  existsWithDifferentUserData128: 'userData128',
  existsWithDifferentUserData64: 'userData64',
  existsWithDifferentUserData32: 'userData32',
  existsWithDifferentLedger: 'currency',
  existsWithDifferentCode: 'code',
  existsWithDifferentCreditLimit: 'creditLimit',
  existsWithDifferentTariff: 'tariff',
  existsWithDifferentTier: 'tier',
  existsWithDifferentPayer: 'from',
  existsWithDifferentPayee: 'to',
  existsWithDifferentCampaign: 'campaign',
  existsWithDifferentExpiry: 'expiresAfterSeconds',
  existsWithDifferentReference: 'reference',
  existsWithDifferentPayment: 'payment',
  debitAccountNotFound: 'debitAccount',
  debitAccountForbidden: 'debitAccount',
  creditAccountNotFound: 'creditAccount',
  transferMustHaveTheSameLedgerAsAccounts: 'currency',
  pendingTransferNotFound: 'pendingId',
  originalTransferNotFound: 'pendingId',
  originalTransferNotPosted: 'pendingId',
  originalTransferAlreadyReverted: 'pendingId',
  originalTransferHasDifferentDebitAccountId: 'debitAccount',
  originalTransferHasDifferentCreditAccountId: 'creditAccount',
  originalTransferHasDifferentLedger: 'currency',
  originalTransferHasDifferentCode: 'code',
  originalTransferHasDifferentAmount: 'amount',
  exceedsPendingTransferAmount: 'amount',
  exceedsAuthorisedAmount: 'amount',
  exceedsCapturedAmount: 'amount',
  accountNotFound: 'id',
  transferNotFound: 'id',
  paymentNotFound: 'id',
  payerAccountNotFound: 'from',
  payerAccountForbidden: 'from',
  payeeAccountNotFound: 'to',
  payeeCannotReceive: 'to',
  currencyMismatch: 'currency',
  campaignNotFound: 'campaign',
  campaignNotApplicable: 'campaign',
  campaignExhausted: 'campaign',
  partyNotFound: 'handle',
  partyKindMustNotChange: 'kind',
  feeAccountNotFound: 'feeAccount',
};
