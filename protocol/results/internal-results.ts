/** Results 9xx: our own fault. Numbers are never reused. */
import { type ResultSpec, row } from './result-spec.ts';

export const INTERNAL_RESULTS = {
  internalError: row(
    901,
    'later',
    500,
    '96',
    'Something went wrong on our side. Please try again.',
    '系统内部错误，请稍后再试。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;
