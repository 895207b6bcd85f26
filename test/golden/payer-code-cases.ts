/** Golden vectors of codes that payers show. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { codeDeviceToken, payerCodeToken } from '../../protocol/payer-codes.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const DIGITS = '880123456789012342';
const TOKEN = payerCodeToken(DIGITS) ?? 0n;
const DEVICE_TOKEN = codeDeviceToken(12_345_678);

interface Sample {
  readonly id: (n: number) => bigint;
  readonly account: bigint;
  readonly payee: bigint;
  readonly time: bigint;
}

export function payerCodeCases({ id, account, payee, time }: Sample): readonly GoldenCase[] {
  const terms = { accountId: account, device: 77n, unconfirmedMax: 100_000n, lifetimeS: 60, codeTier: 3 };
  const code = { ...terms, token: TOKEN, digits: DIGITS, paymentId: 0n, timestamp: time, owner: 2 };
  const limits = { accountId: account, device: 77n, unconfirmedMax: 20_000n, amountMax: 50_000n, codeTier: 3 };
  const device = { ...limits, token: DEVICE_TOKEN, counter: 5n, timestamp: time, owner: 2, failures: 0 };
  return [
    {
      name: 'give a payer a one-time code',
      command: 'issueCodes',
      input: [terms],
      value: [{ ...resultOfCode(Code.ok, time), payerCode: code }],
    },
    {
      name: 'look up one-time codes',
      command: 'lookupCodes',
      input: [TOKEN, TOKEN + 10n],
      value: [
        { ...resultOfCode(Code.ok, time), payerCode: { ...code, paymentId: id(3) } },
        { ...resultOfCode(Code.payerCodeNotFound, time), payerCode: undefined },
      ],
    },
    {
      name: 'block a device that makes codes',
      command: 'putCodeDevice',
      input: { ...limits, token: DEVICE_TOKEN, state: 'blocked' },
      value: { ...resultOfCode(Code.ok, time), codeDevice: { ...device, state: 'blocked', key: undefined } },
    },
    {
      name: 'look up a device that makes codes',
      command: 'lookupCodeDevices',
      input: [DEVICE_TOKEN],
      value: [{ ...resultOfCode(Code.ok, time), codeDevice: { ...device, state: 'active', key: undefined } }],
    },
    {
      name: 'a sale by code, to be confirmed',
      command: 'sale',
      input: {
        ...{ id: id(4), payeeAccountId: payee, amount: 100_001n, ledger: 156, code: 1, payerCode: TOKEN },
        ...{ risk: { channel: 'qr', mcc: 5814 } },
      },
      value: {
        ...resultOfCode(Code.challengeRequired, time),
        payment: {
          ...{
            state: 'challenged',
            operation: 'sale',
            code: Code.challengeRequired,
            name: 'challengeRequired',
            version: 1,
          },
          ...{ captured: 0n, refunded: 0n, released: 0n, discount: 0n, discountCaptured: 0n, discountRefunded: 0n },
          ...{ feeCharged: 0n, feeRefunded: 0n, createdAt: time, updatedAt: time, expiresAt: time + 300_000_000n },
        },
      },
    },
  ];
}
