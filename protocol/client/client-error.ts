/** Why a call has no answer. A business decline is an answer, never one of these. */
import type { Refusal } from '../codecs/frame-codec.ts';
import type { Result } from '../codecs/result-codec.ts';
import type { ResultName } from '../results.ts';

/**
 * `notSent`: nothing reached the server. `unknown`: the server may have decided. Asking again with the same id is safe
 * either way: what was decided is answered again, and never done twice.
 */
export type CallOutcome = 'unknown' | 'notSent';

/** The connection went away and could not be restored within the attempts that are allowed. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
  readonly outcome: CallOutcome;

  constructor(outcome: CallOutcome, cause?: unknown) {
    super(`no connection; ${describe(outcome)}`, { cause });
    this.outcome = outcome;
  }
}

/** No answer within `requestTimeoutMs`. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError';
  readonly outcome: CallOutcome;

  constructor(outcome: CallOutcome) {
    super(`no answer in time; ${describe(outcome)}`);
    this.outcome = outcome;
  }
}

/** `close` was called. */
export class ClientClosedError extends Error {
  override readonly name = 'ClientClosedError';
  readonly outcome: CallOutcome;

  constructor(outcome: CallOutcome) {
    super(`the client was closed; ${describe(outcome)}`);
    this.outcome = outcome;
  }
}

/** `inFlightMax + queueMax` calls have no answer yet. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly outcome: CallOutcome = 'notSent';

  constructor(callsMax: number) {
    super(`${callsMax} calls have no answer yet; ${describe('notSent')}`);
  }
}

/** The server refused the whole message. */
export class RefusedError extends Error {
  /** The name of the result, as in the table of results. */
  override readonly name: ResultName;
  readonly code: number;
  /** Which record or byte is wrong, where that is known; else 0. */
  readonly index: number;
  readonly detail: string;

  constructor(refusal: Refusal) {
    super(`the server refused the message (${refusal.code})${refusal.detail === '' ? '' : `: ${refusal.detail}`}`);
    this.code = refusal.code;
    this.name = refusal.name;
    this.index = refusal.index;
    this.detail = refusal.detail;
  }
}

/** A page of a list that is read as a whole was answered with something else than `ok`. */
export class ResultError extends Error {
  /** The name of the result, as in the table of results. */
  override readonly name: ResultName;
  readonly result: Result;

  constructor(result: Result) {
    super(`${result.message.en} (${result.name}, ${result.code})`);
    this.name = result.name;
    this.result = result;
  }
}

function describe(outcome: CallOutcome): string {
  return outcome === 'unknown' ? 'outcome unknown, ask again with the same id' : 'nothing was sent';
}
