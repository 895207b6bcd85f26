/** Golden vectors of what the risk rules are told at run time. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const MEMBER = '019300000000700080000000000000c1';
const ok = resultOfCode(Code.ok);
const UNTIL = 1_760_000_000_000_000;

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
];
