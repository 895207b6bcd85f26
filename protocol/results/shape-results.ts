/** Results 3xx: the shape of a record, judged by its content alone: nothing is stored, the id is not spent. Numbers are never reused. */
import { broken, type ResultSpec, row } from './result-spec.ts';

export const SHAPE_RESULTS = {
  reservedField: broken(301, 'A reserved field is not zero.', '保留字段不为零。'),
  flagsReserved: broken(302, 'A reserved flag is set.', '使用了保留标志。'),
  timestampMustBeZero: broken(303, 'The timestamp must be zero.', '时间戳必须为零。'),
  idMustNotBeZero: broken(304, 'The id must not be zero.', '编号不能为零。'),
  idReserved: broken(305, 'Ids that begin with ffffffff belong to the engine.', '以 ffffffff 开头的编号由系统保留。'),
  flagsAreMutuallyExclusive: broken(306, 'Two flags exclude each other.', '标志互斥。'),
  debitAccountIdMustNotBeZero: broken(307, 'The debit account is missing.', '缺少借方账户。'),
  creditAccountIdMustNotBeZero: broken(308, 'The credit account is missing.', '缺少贷方账户。'),
  accountsMustBeDifferent: broken(309, 'Debit and credit account must be different.', '借贷双方账户不能相同。'),
  pendingIdMustBeZero: broken(
    310,
    'Only a post, a void or a revert may name another transfer.',
    '仅入账、撤销或冲正可引用其他转账。',
  ),
  pendingIdMustNotBeZero: broken(
    311,
    'A post, a void or a revert must name another transfer.',
    '入账、撤销或冲正必须引用其他转账。',
  ),
  pendingIdMustBeDifferent: broken(312, 'A transfer cannot post, void or revert itself.', '转账不能引用自身。'),
  timeoutReservedForPendingTransfer: broken(
    313,
    'Only a pending transfer may have a timeout.',
    '仅预授权转账可设超时。',
  ),
  amountMustNotBeZero: row(314, 'never', 400, '13', 'The amount must be more than zero.', '金额必须大于零。'),
  amountOutOfRange: row(315, 'never', 400, '13', 'The amount is too large.', '金额过大。'),
  ledgerMustNotBeZero: broken(316, 'The currency is missing.', '缺少币种。'),
  codeMustNotBeZero: broken(317, 'The transfer code is missing.', '缺少业务代码。'),
  balancesMustBeZero: broken(318, 'A new account starts with zero balances.', '新账户余额必须为零。'),
  creditLimitOutOfRange: broken(
    319,
    'The credit limit is too large, or the account has no debit limit.',
    '信用额度过大，或账户未设借方限制。',
  ),
  referenceTooLong: broken(320, 'The reference is longer than 64 bytes.', '商户单号超过 64 字节。'),
  amountMustBeZero: row(
    321,
    'never',
    400,
    '13',
    'A void takes no amount, nor does the revert of a payment.',
    '撤销或冲正不能指定金额。',
  ),
  linkedEventChainOpen: broken(
    322,
    'The last record of a message must not be linked.',
    '报文最后一条记录不能为链接状态。',
  ),
  accountIdMustNotBeZero: broken(323, 'The account is missing.', '缺少账户。'),
  nothingToChange: broken(
    324,
    'The change names no field to be changed, or the end of a chain is neither a post nor a void.',
    '未指定要变更的字段，或未指定入账还是撤销。',
  ),
  stateOutOfRange: broken(
    325,
    'There is no such account state, or it is not to be changed.',
    '账户状态无效或未指定变更。',
  ),
  importedEventTimestampOutOfRange: broken(
    329,
    'An imported record needs a time, which must not be zero or too large.',
    '导入记录必须带有时间戳，且不能为零或过大。',
  ),
  importedEventTimeoutMustBeZero: broken(
    330,
    'An imported pending transfer takes no timeout.',
    '导入的预授权转账不能设超时。',
  ),
  tierOutOfRange: broken(331, 'There is no such tier, or it is not to be changed.', '账户等级无效或未指定变更。'),
  signalKindUnknown: broken(332, 'There is no such signal.', '风险信号类型无效。'),
} as const satisfies Readonly<Record<string, ResultSpec>>;
