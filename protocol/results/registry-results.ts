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
  freezeNotFound: row(805, 'never', 404, '25', 'There is no such freeze.', '冻结记录不存在。'),
  freezeTooLong: row(
    806,
    'never',
    422,
    '12',
    'A payer can be stopped for 30 minutes (60 at night), received money for 72 hours.',
    '付款方最长冻结 30 分钟（夜间 60 分钟），收款资金最长冻结 72 小时。',
  ),
  freezeExistsDifferently: row(
    807,
    'never',
    409,
    '94',
    'This freeze was set before with other terms, or has ended otherwise.',
    '该冻结已按其他条件设置，或已以其他方式结束。',
  ),
  caseNotFound: row(808, 'never', 404, '25', 'There is no case about this payment.', '该支付没有案件。'),
  caseClosed: row(809, 'never', 409, '12', 'The case has been decided.', '案件已结案。'),
  caseFull: row(810, 'never', 422, '12', 'A case has at most 100 comments.', '每个案件最多 100 条备注。'),
} as const satisfies Readonly<Record<string, ResultSpec>>;
