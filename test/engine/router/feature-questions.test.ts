// Whom a payment's risk rules ask, and what.
import { expect, it } from 'vitest';
import { type SubjectName, Subjects } from '../../../engine/risk/facts.ts';
import { EXACT_SHIFT } from '../../../engine/risk/kept-feature.ts';
import { featureQuestions } from '../../../engine/router/feature-questions.ts';
import { partitionOfId } from '../../../engine/router/split.ts';
import { encodePayment, type AccountPaymentInput } from '../../../protocol/codecs/payment-codec.ts';
import { FRAME_HEADER } from '../../../protocol/frame.ts';

const PARTITIONS = 4;
const idIn = (partition: number): bigint => {
  let id = 1n;
  while (partitionOfId(id, PARTITIONS) !== partition) id++;
  return id;
};
const bits = (...names: SubjectName[]) => names.reduce((all, name) => all | (1 << Subjects[name]), 0);
const body = (over: Partial<AccountPaymentInput>) => {
  const parties = { payerAccountId: idIn(0), payeeAccountId: idIn(1) };
  const payment = { id: 9n, ...parties, amount: 5n, ledger: 156, code: 1, ...over };
  return encodePayment('sale', payment, { requestId: 1 }).subarray(FRAME_HEADER.size);
};
const asked = (over: Partial<AccountPaymentInput>, sharedBy: number) =>
  featureQuestions(body(over), 0, sharedBy, PARTITIONS).map(({ partition, body: question }) => [
    partition,
    question[0],
  ]);
const all = bits('payee', 'merchant', 'device', 'ip', 'card');

it('asks where the keys are that are counted by', () => {
  const risk = { channel: 'wallet', device: idIn(2), ip: idIn(3), card: idIn(2), mcc: 5411 } as const;
  expect(asked({ risk }, bits('device'))).toEqual([[2, 0]]);
  expect(new Map(asked({ risk }, bits('card', 'ip')) as [number, number][])).toEqual(
    new Map([
      [3, 0],
      [2, 0],
    ]),
  );
  expect(asked({ risk }, all)).toEqual([
    [1, 0],
    [2, 0],
    [3, 0],
  ]);
  expect(asked({ risk }, 0)).toEqual([]);
  expect(asked({ risk }, bits('merchant'))).toEqual([[1, 0]]);
});

it('asks nobody for what is not known, or lives where the payer does', () => {
  expect(asked({ risk: { channel: 'wallet' } }, bits('merchant', 'device', 'ip', 'card'))).toEqual([]);
  expect(asked({ risk: { channel: 'wallet', device: idIn(0) }, payeeAccountId: idIn(0) }, all)).toEqual([]);
  // A reference is no context.
  expect(asked({ reference: ['r', 's', 't', 'u'].map((letter) => letter.repeat(16)).join('') }, all)).toEqual([[1, 0]]);
});

it('says where it is to be exact', () => {
  const risk = { channel: 'wallet', device: idIn(2), ip: idIn(2), card: idIn(3) } as const;
  const exact = (1 << (Subjects.ip + EXACT_SHIFT)) | (1 << (Subjects.payer + EXACT_SHIFT));
  expect(asked({ risk }, all | exact)).toEqual([
    [1, 0],
    [2, 1],
    [3, 0],
  ]);
});
