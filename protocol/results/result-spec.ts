/** What a row of the table of results is made of, and the short forms in which rows are written. */

/**
 * What the caller does next: `never` (the answer is final; it is remembered when the request reached the ledger),
 * `later` (nothing was decided: send the same request with the same id again after a pause).
 */
export type Retry = 'never' | 'later';

export interface ResultSpec {
  readonly code: number;
  readonly retry: Retry;
  /** RFC 9110 status of the HTTP answer. */
  readonly http: number;
  /** ISO 8583:1987 DE39. */
  readonly de39: string;
  /** For the person at the till or the phone; `{…}` parts are filled in by the edge where known. */
  readonly en: string;
  readonly zh: string;
}

export const row = (code: number, retry: Retry, http: number, de39: string, en: string, zh: string): ResultSpec => ({
  code,
  retry,
  http,
  de39,
  en,
  zh,
});

/** A mistake of the calling program, told to the person in one way. */
export const broken = (code: number, en: string, zh: string): ResultSpec => row(code, 'never', 400, '30', en, zh);

/** The id was used before with other content. */
export const differs = (code: number, en: string, zh: string): ResultSpec =>
  row(code, 'never', 409, '94', `This id was used before with a different ${en}.`, `该编号已被使用，且${zh}不同。`);
