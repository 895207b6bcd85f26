/**
 * The one table of results. Numbers are never reused; a band of a hundred is a stage of the pipeline.
 *
 * `retry` is what the caller does next: `never` (the answer is final; it is remembered when the request reached
 * the ledger), `later` (nothing was decided: send the same request with the same id again after a pause).
 * Messages are for the person at the till or the phone; `{…}` parts are filled in by the edge where known.
 */

export type Retry = 'never' | 'later';

export interface ResultSpec {
  readonly code: number;
  readonly retry: Retry;
  /** RFC 9110 status of the HTTP answer. */
  readonly http: number;
  /** ISO 8583:1987 DE39. */
  readonly de39: string;
  readonly en: string;
  readonly zh: string;
}

const row = (code: number, retry: Retry, http: number, de39: string, en: string, zh: string): ResultSpec => ({
  code,
  retry,
  http,
  de39,
  en,
  zh,
});

/** A mistake of the calling program, told to the person in one way. */
const broken = (code: number, en: string, zh: string): ResultSpec => row(code, 'never', 400, '30', en, zh);
/** The id was used before with other content. */
const differs = (code: number, en: string, zh: string): ResultSpec =>
  row(code, 'never', 409, '94', `This id was used before with a different ${en}.`, `该编号已被使用，且${zh}不同。`);

export const RESULTS = {
  ok: row(0, 'never', 200, '00', 'Done.', '成功。'),

  // 1xx: the frame or the HTTP message
  malformedFrame: broken(101, 'The message could not be read.', '报文无法解析。'),
  unsupportedVersion: broken(102, 'This protocol version is not supported.', '不支持该协议版本。'),
  unknownKind: broken(103, 'This kind of request does not exist.', '请求类型不存在。'),
  frameTooLarge: row(104, 'never', 413, '30', 'The message is too large.', '报文过大。'),
  checksumMismatch: row(
    105,
    'later',
    400,
    '30',
    'The message was damaged on its way. Please send it again.',
    '报文传输中损坏，请重新发送。',
  ),
  frameFlagsReserved: broken(106, 'The message uses flags that do not exist.', '报文使用了未定义的标志。'),
  batchEmpty: broken(107, 'The message holds no records.', '报文中没有记录。'),
  batchTooLarge: row(108, 'never', 413, '30', 'The message holds too many records.', '报文中的记录过多。'),
  malformedBody: broken(109, 'A field of the request is missing or wrong.', '请求字段缺失或有误。'),
  invalidUtf8: broken(110, 'A text of the request is not valid UTF-8.', '请求中的文本不是有效的 UTF-8。'),
  lengthMismatch: broken(111, 'The length of the message does not match its content.', '报文长度与内容不符。'),
  limitOutOfRange: broken(112, 'The page size is out of range.', '分页大小超出范围。'),
  cursorInvalid: broken(113, 'This page does not exist.', '该分页不存在。'),
  notFound: row(114, 'never', 404, '30', 'There is nothing at this address.', '该地址不存在。'),

  // 2xx: admission
  unauthenticated: row(201, 'never', 401, '58', 'The API key is missing or not valid.', 'API 密钥缺失或无效。'),
  forbidden: row(202, 'never', 403, '58', 'This API key may not do that.', '该 API 密钥无此权限。'),
  rateLimited: row(
    203,
    'later',
    429,
    '65',
    'Too many requests. Please wait a moment and try again.',
    '请求过于频繁，请稍后再试。',
  ),
  busy: row(204, 'later', 503, '91', 'The service is busy. Please try again in a moment.', '系统繁忙，请稍后再试。'),
  shuttingDown: row(
    205,
    'later',
    503,
    '91',
    'The service is restarting. Please try again in a moment.',
    '系统正在重启，请稍后再试。',
  ),
  tooManyInFlight: row(
    206,
    'later',
    429,
    '65',
    'Too many requests at once. Please wait for the earlier answers.',
    '同时进行的请求过多，请等待之前的结果。',
  ),
  tooManySessions: row(
    207,
    'later',
    503,
    '91',
    'Too many connections. Please try again in a moment.',
    '连接数过多，请稍后再试。',
  ),

  // 3xx: the shape of a record, judged by its content alone: nothing is stored, the id is not spent
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
    'Only a post or a void may name a pending transfer.',
    '仅入账或撤销可引用预授权转账。',
  ),
  pendingIdMustNotBeZero: broken(
    311,
    'A post or a void must name a pending transfer.',
    '入账或撤销必须引用预授权转账。',
  ),
  pendingIdMustBeDifferent: broken(312, 'A transfer cannot post or void itself.', '转账不能引用自身。'),
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
  amountMustBeZero: row(321, 'never', 400, '13', 'A void takes no amount.', '撤销不能指定金额。'),
  linkedEventChainOpen: broken(
    322,
    'The last record of a message must not be linked.',
    '报文最后一条记录不能为链接状态。',
  ),

  // 4xx: idempotency
  linkedEventFailed: row(
    401,
    'never',
    422,
    '12',
    'Another part of this transaction failed, so nothing was done.',
    '关联交易失败，本笔未执行。',
  ),
  existsOutsideChain: row(
    402,
    'never',
    409,
    '94',
    'This id was decided before, apart from this chain.',
    '该编号已在其他交易中处理。',
  ),
  existsWithDifferentFlags: differs(410, 'kind', '类型'),
  existsWithDifferentPendingId: differs(411, 'pending transfer', '预授权转账'),
  existsWithDifferentTimeout: differs(412, 'timeout', '超时时间'),
  existsWithDifferentDebitAccountId: differs(413, 'debit account', '借方账户'),
  existsWithDifferentCreditAccountId: differs(414, 'credit account', '贷方账户'),
  existsWithDifferentAmount: differs(415, 'amount', '金额'),
  existsWithDifferentUserData128: differs(416, 'user data (128)', '用户数据(128)'),
  existsWithDifferentUserData64: differs(417, 'user data (64)', '用户数据(64)'),
  existsWithDifferentUserData32: differs(418, 'user data (32)', '用户数据(32)'),
  existsWithDifferentLedger: differs(419, 'currency', '币种'),
  existsWithDifferentCode: differs(420, 'code', '业务代码'),
  existsWithDifferentOwner: differs(421, 'institution', '机构'),
  existsWithDifferentCreditLimit: differs(422, 'credit limit', '信用额度'),
  existsWithDifferentTariff: differs(423, 'tariff', '费率'),
  existsWithDifferentPayer: differs(424, 'payer', '付款方'),
  existsWithDifferentPayee: differs(425, 'payee', '收款方'),
  existsWithDifferentCampaign: differs(426, 'campaign', '活动'),
  existsWithDifferentExpiry: differs(427, 'expiry', '有效期'),
  existsWithDifferentReference: differs(428, 'reference', '商户单号'),
  existsWithDifferentPayment: differs(429, 'payment', '支付单'),
  existsWithDifferentOperation: differs(430, 'operation', '操作'),

  // 5xx: the ledger
  debitAccountNotFound: row(
    501,
    'never',
    422,
    '14',
    'The account to take money from does not exist.',
    '付款账户不存在。',
  ),
  creditAccountNotFound: row(
    502,
    'never',
    422,
    '14',
    'The account to send money to does not exist.',
    '收款账户不存在。',
  ),
  debitAccountForbidden: row(
    503,
    'never',
    403,
    '57',
    'The account to take money from belongs to another institution.',
    '付款账户属于其他机构。',
  ),
  crossesPartitions: row(
    504,
    'never',
    422,
    '92',
    'These two accounts cannot pay each other on this installation.',
    '当前部署不支持这两个账户之间转账。',
  ),
  accountsMustHaveTheSameLedger: row(
    505,
    'never',
    422,
    '12',
    'The two accounts hold different currencies.',
    '两个账户币种不同。',
  ),
  transferMustHaveTheSameLedgerAsAccounts: row(
    506,
    'never',
    422,
    '12',
    'The accounts hold a different currency.',
    '账户币种与交易币种不同。',
  ),
  pendingTransferNotFound: row(507, 'never', 422, '25', 'The pending transfer does not exist.', '预授权转账不存在。'),
  pendingTransferNotPending: row(
    508,
    'never',
    422,
    '12',
    'That transfer is not a pending one.',
    '该转账不是预授权转账。',
  ),
  pendingTransferHasDifferentDebitAccountId: row(
    509,
    'never',
    422,
    '12',
    'The pending transfer has another debit account.',
    '预授权转账的借方账户不同。',
  ),
  pendingTransferHasDifferentCreditAccountId: row(
    510,
    'never',
    422,
    '12',
    'The pending transfer has another credit account.',
    '预授权转账的贷方账户不同。',
  ),
  pendingTransferHasDifferentLedger: row(
    511,
    'never',
    422,
    '12',
    'The pending transfer has another currency.',
    '预授权转账的币种不同。',
  ),
  pendingTransferHasDifferentCode: row(
    512,
    'never',
    422,
    '12',
    'The pending transfer has another code.',
    '预授权转账的业务代码不同。',
  ),
  exceedsPendingTransferAmount: row(
    513,
    'never',
    422,
    '64',
    'This is more than what is still held.',
    '超过剩余预授权金额。',
  ),
  pendingTransferAlreadyPosted: row(
    514,
    'never',
    409,
    '12',
    'The pending transfer was posted already.',
    '预授权转账已入账。',
  ),
  pendingTransferAlreadyVoided: row(
    515,
    'never',
    409,
    '12',
    'The pending transfer was voided already.',
    '预授权转账已撤销。',
  ),
  pendingTransferExpired: row(516, 'never', 409, '54', 'The pending transfer has expired.', '预授权转账已过期。'),
  overflowsDebitsPending: row(517, 'never', 422, '13', 'The account cannot hold that much.', '账户金额超出上限。'),
  overflowsCreditsPending: row(518, 'never', 422, '13', 'The account cannot hold that much.', '账户金额超出上限。'),
  overflowsDebitsPosted: row(519, 'never', 422, '13', 'The account cannot hold that much.', '账户金额超出上限。'),
  overflowsCreditsPosted: row(520, 'never', 422, '13', 'The account cannot hold that much.', '账户金额超出上限。'),
  exceedsCredits: row(521, 'never', 422, '51', 'There is not enough money in the account.', '账户余额不足。'),
  exceedsDebits: row(522, 'never', 422, '61', 'The receiving account cannot take that much.', '收款账户超出可收金额。'),
  accountTableFull: row(
    523,
    'later',
    503,
    '96',
    'No more accounts can be opened at the moment.',
    '暂时无法开立更多账户。',
  ),
  pendingTableFull: row(
    524,
    'later',
    503,
    '96',
    'No more money can be held at the moment. Please try again later.',
    '暂时无法冻结更多资金，请稍后再试。',
  ),
  accountNotFound: row(525, 'never', 404, '14', 'The account does not exist.', '账户不存在。'),
  accountForbidden: row(526, 'never', 403, '57', 'The account belongs to another institution.', '账户属于其他机构。'),
  transferNotFound: row(527, 'never', 404, '25', 'The transfer does not exist.', '转账不存在。'),

  // 6xx: payments
  payerAccountNotFound: row(601, 'never', 422, '14', 'The paying account does not exist.', '付款账户不存在。'),
  payeeAccountNotFound: row(602, 'never', 422, '03', 'The receiving account does not exist.', '收款账户不存在。'),
  payerAccountForbidden: row(
    603,
    'never',
    403,
    '57',
    'The paying account belongs to another institution.',
    '付款账户属于其他机构。',
  ),
  insufficientFunds: row(
    604,
    'never',
    422,
    '51',
    'There is not enough money in your account. Please add money or pay another way.',
    '余额不足，请充值或更换支付方式。',
  ),
  payeeCannotReceive: row(
    605,
    'never',
    422,
    '03',
    'The recipient cannot receive this amount.',
    '收款方无法接收该金额。',
  ),
  currencyMismatch: row(
    606,
    'never',
    422,
    '12',
    'Payer and recipient do not use this currency.',
    '付款方或收款方不支持该币种。',
  ),
  campaignNotFound: row(607, 'never', 422, '12', 'This offer does not exist.', '优惠活动不存在。'),
  campaignNotApplicable: row(
    608,
    'never',
    422,
    '12',
    'This offer does not apply to this payment.',
    '该优惠不适用于本次支付。',
  ),
  campaignExhausted: row(
    609,
    'never',
    422,
    '51',
    'This offer is used up. Please pay without it.',
    '优惠活动已抢完，请不使用优惠继续支付。',
  ),
  paymentNotFound: row(610, 'never', 404, '25', 'The payment does not exist.', '支付单不存在。'),
  paymentForbidden: row(611, 'never', 403, '57', 'The payment belongs to another institution.', '支付单属于其他机构。'),
  paymentDeclined: row(
    612,
    'never',
    409,
    '12',
    'The payment was declined, so nothing can follow.',
    '该支付已被拒绝，无法继续操作。',
  ),
  paymentAlreadyCaptured: row(613, 'never', 409, '12', 'The payment was already taken in full.', '该支付已全部请款。'),
  paymentAlreadyVoided: row(614, 'never', 409, '12', 'The payment was already cancelled.', '该支付已撤销。'),
  paymentExpired: row(
    615,
    'never',
    409,
    '54',
    'The authorisation has expired. Please pay again.',
    '授权已过期，请重新支付。',
  ),
  paymentNotCaptured: row(
    616,
    'never',
    409,
    '12',
    'Nothing was taken yet, so nothing can be refunded.',
    '该支付尚未请款，无法退款。',
  ),
  exceedsAuthorisedAmount: row(617, 'never', 422, '64', 'This is more than what was authorised.', '超过授权金额。'),
  exceedsCapturedAmount: row(618, 'never', 422, '64', 'This is more than what is left to refund.', '超过可退款金额。'),
  insufficientFundsToRefund: row(
    619,
    'never',
    422,
    '51',
    'The merchant does not have enough money to refund this.',
    '商户余额不足，无法退款。',
  ),
  tariffNotFound: row(
    620,
    'never',
    422,
    '12',
    'The fee schedule of the recipient does not exist.',
    '收款方费率不存在。',
  ),

  // 7xx: parties, tariffs, campaigns
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

  // 9xx: our own fault
  internalError: row(
    901,
    'later',
    500,
    '96',
    'Something went wrong on our side. Please try again.',
    '系统内部错误，请稍后再试。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;

export type ResultName = keyof typeof RESULTS;

/** Result codes by name, for code that compares numbers. */
export const Code = Object.fromEntries(Object.entries(RESULTS).map(([name, spec]) => [name, spec.code])) as {
  readonly [K in ResultName]: (typeof RESULTS)[K]['code'];
};

const BY_CODE: ReadonlyMap<number, ResultName> = new Map(
  (Object.keys(RESULTS) as ResultName[]).map((name) => [RESULTS[name].code, name]),
);

/** The name of a result code; undefined for numbers that this version does not know. */
export function resultName(code: number): ResultName | undefined {
  return BY_CODE.get(code);
}

/** The row of a result code; codes of a newer server count as `internalError`. */
export function resultSpec(code: number): ResultSpec {
  return RESULTS[BY_CODE.get(code) ?? 'internalError'];
}
