/** Golden vectors of orders and counters. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const ok = resultOfCode(Code.ok);
const CREATED = 1_760_000_000_000_000;
const ID = '5a0f5f0c7d1e4a6f9c3b2a1908172635';
const PAYMENT = '01930000000070008000000000000d01';
const PAYER = '01930000000070008000000000000a01';
const put = {
  ...{ handle: 'teahouse', ledger: 156, number: 'T-4711', amount: 1250, title: '龙井' },
  ...{ expiresAt: CREATED + 900_000_000, tip: { kind: 'percent', value: 1000 } },
};
const order = {
  ...{ ...put, id: ID, institution: 3, accountId: '01930000000070008000000000000b01', state: 'open' },
  ...{ createdAt: CREATED, updatedAt: CREATED },
};
const claimed = { ...order, paymentId: PAYMENT, payerAccountId: PAYER, tipped: 125, updatedAt: CREATED + 5 };
const counters = {
  ...{ handle: 'teahouse', city: 'SHANGHAI', country: 'CN' },
  counters: [
    { counter: 'till-1', name: 'Entrance', state: 'open' },
    { counter: 'table-3', name: '', state: 'closed', place: { latitude: 31_230_000, longitude: 121_470_000 } },
  ],
};
const stored = { ...counters, institution: 3, updatedAt: CREATED };

export const ORDER_CASES: readonly GoldenCase[] = [
  { name: 'an order is made', command: 'putOrder', input: put, value: { ...ok, order } },
  {
    name: 'an order is paid',
    command: 'readOrder',
    input: { id: ID },
    value: { ...ok, order: { ...claimed, state: 'paid' } },
  },
  {
    name: 'an order is closed',
    command: 'changeOrder',
    input: { id: ID, action: 'close' },
    value: { ...ok, order: { ...order, state: 'closed' } },
  },
  {
    name: 'an order is paid, with a tip',
    command: 'payOrder',
    input: { id: ID, paymentId: PAYMENT, payerAccountId: PAYER, tip: 125, risk: { codeTier: 2, country: 'CN' } },
    value: { ...ok, order: { ...claimed, state: 'paid' }, payment: { id: PAYMENT, state: 'captured' } },
  },
  {
    name: 'an order is refunded in part',
    command: 'refundOrder',
    input: { id: ID, refundId: '01930000000070008000000000000d02', amount: 250 },
    value: { ...ok, order: { ...claimed, state: 'paid' }, payment: { id: PAYMENT, state: 'captured' } },
  },
  { name: 'counters are set', command: 'putCounters', input: counters, value: { ...ok, counters: stored } },
  {
    name: 'the counters of a party',
    command: 'getCounters',
    input: { handle: 'teahouse' },
    value: { ...ok, counters: stored },
  },
  {
    name: 'a counter is paid, too far from where it hangs',
    command: 'payCounter',
    input: {
      ...{
        handle: 'dan',
        counter: 'till-1',
        paymentId: PAYMENT,
        payerAccountId: PAYER,
        ledger: 156,
        amount: 300,
        tip: 0,
      },
      ...{ isRemote: false, reference: 'lunch', risk: { place: { latitude: 0, longitude: 0 } } },
    },
    value: { ...resultOfCode(Code.counterTooFarAway) },
  },
];
