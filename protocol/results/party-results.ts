/** Results 7xx: parties, tariffs, campaigns. Numbers are never reused. */
import { type ResultSpec, row } from './result-spec.ts';

export const PARTY_RESULTS = {
  partyNotFound: row(701, 'never', 404, '14', 'The party does not exist.', '参与方不存在。'),
  partyKindMustNotChange: row(
    702,
    'never',
    409,
    '12',
    'A customer cannot become a merchant, nor the reverse.',
    '参与方类型不可更改。',
  ),
  feeAccountNotFound: row(
    703,
    'never',
    422,
    '12',
    'The account that receives the fees does not exist.',
    '手续费账户不存在。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;
