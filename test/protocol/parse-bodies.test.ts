import { describe, expect, it } from 'vitest';
import type { Checked } from '../../protocol/body-fields.ts';
import * as parse from '../../protocol/parse-bodies.ts';
import { parseRegistryBody } from '../../protocol/registry-bodies.ts';

const ID = '019300000000700080000000000000c1';
const GOOD = {
  hello: { key: 'k' },
  party: { handle: 'ada', kind: 'merchant', name: '蓝瓶', ledgers: [156, 840], mcc: 5814 },
  getParty: { handle: 'a'.repeat(64) },
  listParties: { cursor: 0, limit: 1000 },
  tariff: { number: 1, basisPoints: 10_000, fixed: 0, minimum: 1, maximum: 0, feeAccountId: ID },
  campaign: { accountId: ID, basisPoints: 0, fixed: 1, maximum: 0, minimumAmount: 0, startsAt: 5, endsAt: 0 },
  readChanges: { partition: 0, cursor: 'now', limit: 1, waitMs: 30_000 },
  putRiskList: { name: 'a-1', add: [ID], remove: [] },
  putRiskExemption: { accountId: ID, rule: 'new-device', until: 1 },
  readAccountRisk: { accountId: ID },
};
const PARSERS = {
  hello: parse.parseHelloBody,
  party: parse.parsePartyBody,
  getParty: parse.parseGetPartyBody,
  listParties: parse.parseListPartiesBody,
  tariff: parse.parseTariffBody,
  campaign: parse.parseCampaignBody,
  readChanges: parse.parseReadChangesBody,
  putRiskList: (value: unknown) => parseRegistryBody('putRiskList', value),
  putRiskExemption: (value: unknown) => parseRegistryBody('putRiskExemption', value),
  readAccountRisk: (value: unknown) => parseRegistryBody('readAccountRisk', value),
};
type Kind = keyof typeof PARSERS;
const kinds = Object.keys(PARSERS) as Kind[];
const run = (kind: Kind, value: unknown): Checked<unknown> => PARSERS[kind](value);

describe('parse functions of rich bodies', () => {
  it.each(kinds)('%s: a good one comes back equal', (kind) => {
    expect(run(kind, GOOD[kind])).toEqual({ ok: true, value: GOOD[kind] });
  });

  it.each(kinds)('%s: what is no map has the empty path', (kind) => {
    for (const value of [null, undefined, 1, 'text', [], true])
      expect(run(kind, value)).toMatchObject({ ok: false, path: '' });
  });

  it.each(kinds)('%s: every field is needed, none may be nil, and no other is known', (kind) => {
    for (const key of Object.keys(GOOD[kind])) {
      const { [key]: _, ...rest } = GOOD[kind] as Record<string, unknown>;
      expect(run(kind, rest)).toMatchObject({ ok: false, path: key, message: 'is missing' });
      expect(run(kind, { ...rest, [key]: null })).toMatchObject({ ok: false, path: key });
    }
    expect(run(kind, { ...GOOD[kind], more: 1 })).toMatchObject({ ok: false, path: 'more' });
    expect(run(kind, JSON.parse(`{"__proto__":1,${JSON.stringify(GOOD[kind]).slice(1)}`))).toMatchObject({
      path: '__proto__',
    });
  });

  it.each<[Kind, object, string]>([
    ['putRiskList', { name: 'Blocked' }, 'name'],
    ['putRiskList', { add: Array(1001).fill(ID) }, 'add'],
    ['putRiskExemption', { rule: '' }, 'rule'],
    ['hello', { key: '' }, 'key'],
    ['hello', { key: 'k'.repeat(257) }, 'key'],
    ['hello', { key: 7 }, 'key'],
    ['hello', { client: 'a\nb' }, 'client'],
    ['party', { handle: 'Ada' }, 'handle'],
    ['party', { handle: '' }, 'handle'],
    ['party', { handle: '.ada' }, 'handle'],
    ['party', { handle: 'ada\n' }, 'handle'],
    ['party', { handle: 'a'.repeat(65) }, 'handle'],
    ['party', { kind: 'bank' }, 'kind'],
    ['party', { name: '蓝'.repeat(43) }, 'name'],
    ['party', { name: '\ud800' }, 'name'],
    ['party', { kind: 'customer' }, 'name'],
    ['party', { ledgers: 156 }, 'ledgers'],
    ['party', { ledgers: Array.from({ length: 65 }, (_, i) => i + 1) }, 'ledgers'],
    ['party', { ledgers: [156, 0] }, 'ledgers[1]'],
    ['party', { ledgers: [156, 1000] }, 'ledgers[1]'],
    ['party', { ledgers: [156, 840, 156] }, 'ledgers[2]'],
    ['party', { ledgers: ['156'] }, 'ledgers[0]'],
    ['party', { mcc: 10_000 }, 'mcc'],
    ['party', { mcc: 1.5 }, 'mcc'],
    ['party', { mcc: Number.NaN }, 'mcc'],
    ['getParty', { handle: 'a b' }, 'handle'],
    ['listParties', { cursor: -1 }, 'cursor'],
    ['listParties', { cursor: 2 ** 53 }, 'cursor'],
    ['listParties', { limit: 0 }, 'limit'],
    ['listParties', { limit: 1001 }, 'limit'],
    ['readChanges', { partition: -1 }, 'partition'],
    ['readChanges', { cursor: 'end' }, 'cursor'],
    ['readChanges', { cursor: -1 }, 'cursor'],
    ['readChanges', { limit: 0 }, 'limit'],
    ['readChanges', { limit: 1001 }, 'limit'],
    ['readChanges', { waitMs: 30_001 }, 'waitMs'],
    ['tariff', { number: 0 }, 'number'],
    ['tariff', { number: 65_536 }, 'number'],
    ['tariff', { basisPoints: 10_001 }, 'basisPoints'],
    ['tariff', { fixed: -1 }, 'fixed'],
    ['tariff', { minimum: 5, maximum: 4 }, 'maximum'],
    ['tariff', { feeAccountId: '0'.repeat(32) }, 'feeAccountId'],
    ['tariff', { feeAccountId: 'c1' }, 'feeAccountId'],
    ['campaign', { accountId: 1n }, 'accountId'],
    ['campaign', { minimumAmount: '1' }, 'minimumAmount'],
    ['campaign', { endsAt: 5 }, 'endsAt'],
  ])('%s with %o fails at %s', (kind, change, path) => {
    expect(run(kind, { ...GOOD[kind], ...change })).toMatchObject({ ok: false, path });
  });

  it('takes a customer without a name, and an id written as a UUID', () => {
    expect(run('party', { ...GOOD.party, kind: 'customer', name: '' }).ok).toBe(true);
    const checked = parse.parseTariffBody({ ...GOOD.tariff, feeAccountId: '01930000-0000-7000-8000-0000000000C1' });
    expect(checked.ok && checked.value.feeAccountId).toBe(ID);
  });

  it('does not repeat a long unknown key', () => {
    const checked = parse.parseHelloBody({ key: 'k', ['x'.repeat(5000)]: 1 });
    expect(checked.ok ? '' : checked.path.length).toBe(33);
  });

  it('lets a newer server say more in its replies', () => {
    expect(parse.parseRichReply({ code: 0, news: 1 })).toEqual({ ok: true, value: { code: 0 } });
    expect(parse.parseRichReply({ code: 0, parties: [{ handle: 1 }] })).toMatchObject({ path: 'parties[0].handle' });
  });
});
