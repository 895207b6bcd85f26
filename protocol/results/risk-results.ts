/** Results 8xx: risk. Numbers are never reused. */
import { broken, type ResultSpec, row } from './result-spec.ts';

export const RISK_RESULTS = {
  declinedByRisk: row(
    811,
    'never',
    422,
    '59',
    'This payment was declined for your protection. If it was you, please contact your provider.',
    '为保障您的资金安全，本次支付已被拒绝。如为本人操作，请联系服务商。',
  ),
  challengeRequired: row(
    812,
    'never',
    202,
    '1A',
    'Please confirm in your app that it is you who pays.',
    '请在手机应用中确认本次支付由您本人发起。',
  ),
  paymentHeld: row(
    813,
    'never',
    202,
    '09',
    'This payment is being checked. The money is set aside meanwhile.',
    '本次支付正在核查，资金暂时冻结。',
  ),
  paymentNotHeld: row(814, 'never', 409, '12', 'The payment is not being checked.', '该支付不在核查中。'),
  paymentNotChallenged: row(815, 'never', 409, '12', 'The payment waits for no confirmation.', '该支付无需确认。'),
  challengeExpired: row(
    816,
    'never',
    409,
    '54',
    'The time to confirm this payment is over. Please pay again.',
    '确认时间已过，请重新支付。',
  ),
  proofInvalid: row(
    817,
    'never',
    403,
    '63',
    'The confirmation is not valid for this payment.',
    '确认信息与本次支付不符。',
  ),
  ruleSetInvalid: broken(
    818,
    'The rule set has mistakes, so the one before stays in force.',
    '规则集有误，继续使用原规则集。',
  ),
  decisionNotFound: row(819, 'never', 404, '25', 'No rules looked at this payment.', '该支付未经过风控规则。'),
  riskContextInvalid: broken(
    820,
    'A circumstance of the payment (channel, country, category, place) is out of range.',
    '支付场景信息（渠道、国家、商户类别、位置）超出范围。',
  ),
} as const satisfies Readonly<Record<string, ResultSpec>>;
