/** Golden vectors of what the risk rules are told at run time. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const MEMBER = '019300000000700080000000000000c1';
const ok = resultOfCode(Code.ok);
const UNTIL = 1_760_000_000_000_000;

const freeze = {
  id: MEMBER,
  accountId: MEMBER,
  kind: 'sender',
  reason: { en: 'Phone was stolen.', zh: '手机被盗。' },
  until: UNTIL,
} as const;
const storedFreeze = { ...freeze, institution: 2, ledger: 156, state: 'open' } as const;
const riskCase = {
  paymentId: MEMBER,
  institution: 2,
  rules: ['travel'],
  state: 'open',
  assignee: '',
  comments: [],
  openedAt: UNTIL,
  number: 1,
} as const;

export const REGISTRY_CASES: readonly GoldenCase[] = [
  {
    name: 'a change of a list',
    command: 'putRiskList',
    input: { name: 'blocked-devices', add: [MEMBER], remove: [] },
    value: ok,
  },
  {
    name: 'a page of a list',
    command: 'getRiskList',
    input: { name: 'blocked-devices', cursor: 0, limit: 1 },
    value: { ...ok, members: [MEMBER], nextCursor: 1 },
  },
  {
    name: 'all lists',
    command: 'getRiskList',
    input: { cursor: 0, limit: 100 },
    value: { ...ok, lists: [{ name: 'blocked-devices', size: 2 }] },
  },
  {
    name: 'an exemption of an account that is elsewhere',
    command: 'putRiskExemption',
    input: { accountId: MEMBER, rule: 'new-device', until: UNTIL },
    value: resultOfCode(Code.accountNotFound),
  },
  {
    name: 'what risk keeps of an account',
    command: 'readAccountRisk',
    input: { accountId: MEMBER },
    value: { ...ok, exemptions: [{ rule: 'new-device', until: UNTIL }] },
  },
  { name: 'a payer is stopped', command: 'putFreeze', input: freeze, value: { ...ok, freeze: storedFreeze } },
  {
    name: 'a payer may pay again',
    command: 'endFreeze',
    input: { id: MEMBER, accountId: MEMBER, decision: 'release' },
    value: { ...ok, freeze: { ...storedFreeze, state: 'released' } },
  },
  {
    name: 'a case is opened',
    command: 'openCase',
    input: { paymentId: MEMBER, rules: ['travel'] },
    value: { ...ok, case: riskCase },
  },
  {
    name: 'a case is commented',
    command: 'changeCase',
    input: { paymentId: MEMBER, by: 'ann', comment: '核实中' },
    value: { ...ok, case: { ...riskCase, comments: [{ at: UNTIL, by: 'ann', text: '核实中' }] } },
  },
  {
    name: 'open cases',
    command: 'readCases',
    input: { cursor: 0, limit: 10 },
    value: { ...ok, cases: [riskCase], nextCursor: 0 },
  },
];
