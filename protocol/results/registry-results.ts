/** Results 801 to 810 and 830 to 849: lists, exemptions, freezes and cases. Numbers are never reused. */
import { type ResultSpec, row } from './result-spec.ts';

export const REGISTRY_RESULTS = {
  riskListNotFound: row(801, 'never', 404, '25', 'There is no such list.', '名单不存在。'),
  riskListFull: row(
    802,
    'never',
    422,
    '12',
    'A list has at most 100,000 members, and there are at most 64 lists.',
    '每个名单最多 10 万个成员，最多 64 个名单。',
  ),
  riskRegistryFull: row(
    803,
    'never',
    422,
    '12',
    'Too many exemptions, freezes or cases are open. End some first.',
    '豁免、冻结或案件数量已达上限，请先结束部分记录。',
  ),
  untilMustBeInFuture: row(804, 'never', 422, '12', 'The end must be in the future.', '截止时间必须晚于当前时间。'),
} as const satisfies Readonly<Record<string, ResultSpec>>;
