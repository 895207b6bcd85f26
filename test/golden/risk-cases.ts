/** Vectors of the risk rules: circumstances, signals, rule sets, and the operations that go on with what rules stopped. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { formatId } from '../../protocol/ids.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

export function riskCases(known: {
  readonly rich: object;
  readonly payment: bigint;
  readonly account: bigint;
}): readonly GoldenCase[] {
  const { rich, payment, account } = known;
  const operation = { id: payment + 1n, paymentId: payment };
  const none = { timestamp: 1_760_000_000_000_000n, payment: undefined };
  return [
    {
      name: 'a sale with all its circumstances',
      command: 'sale',
      input: {
        id: payment,
        payerAccountId: account,
        payeeAccountId: account + 1n,
        amount: 2500n,
        ledger: 156,
        code: 1,
        reference: 'order-7',
        risk: {
          channel: 'qr',
          device: 0xd1n,
          ip: 0x19n,
          card: 0xcan,
          country: 'CN',
          mcc: 5814,
          codeTier: 2,
          location: { latitude: 31.23, longitude: -121.47 },
        },
      },
      value: { ...resultOfCode(Code.declinedByRisk), ...none },
    },
    {
      name: 'a release',
      command: 'release',
      input: operation,
      value: { ...resultOfCode(Code.paymentNotHeld), ...none },
    },
    {
      name: 'a confirmation with its proof',
      command: 'confirm',
      input: { ...operation, proof: '010203ff' },
      value: { ...resultOfCode(Code.proofInvalid), ...none },
    },
    {
      name: 'a failed authentication, and another device',
      command: 'reportSignals',
      input: [
        { id: payment, accountId: account, kind: 'authenticationFailed' },
        { id: payment + 1n, accountId: account, kind: 'rebound', device: 0xd1n },
      ],
      value: [
        { ...resultOfCode(Code.ok), timestamp: none.timestamp },
        { ...resultOfCode(Code.accountNotFound), timestamp: none.timestamp },
      ],
    },
    {
      name: 'a rule set',
      command: 'activateRules',
      input: { ruleSet: { version: 'a', rules: [] } },
      value: rich,
    },
    {
      name: 'a rule set with a mistake',
      command: 'activateRules',
      input: { ruleSet: { version: '', rules: [] } },
      value: { ...rich, ...resultOfCode(Code.ruleSetInvalid), mistakes: ['version: too short'] },
    },
    {
      name: 'why a payment was declined',
      command: 'explainPayment',
      input: { paymentId: formatId(payment) },
      value: {
        ...rich,
        explanation: {
          paymentId: formatId(payment),
          ruleSet: 'a',
          outcome: 'decline',
          tier: 1,
          context: {
            channel: 'qr',
            mcc: 5814,
            country: 'CN',
            codeTier: 2,
            device: '',
            ip: '',
            card: '',
            latitude: null,
            longitude: null,
          },
          features: [{ name: 'count of payments by payer, 60m', value: 3 }],
          rules: [
            {
              id: 'burst',
              outcome: 'decline',
              overridable: true,
              shadow: false,
              reason: { en: 'Too many.', zh: '过多。' },
            },
          ],
        },
      },
    },
  ];
}
