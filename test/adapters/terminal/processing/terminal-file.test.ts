// The file that sets up a card switch: what it means, and every mistake at its place.
import { describe, expect, it } from 'vitest';
import { checkTerminalSetup } from '../../../../adapters/terminal/processing/terminal-file.ts';
import { partyAccountId } from '../../../../protocol/ids.ts';
import { SETUP, setup } from './desk.ts';

const ISSUER = { name: 'iss', role: 'issuer', spec: 'iso87-bcd', connect: { host: '127.0.0.1', port: 9 } };

function mistakes(content: unknown): string[] {
  const checked = checkTerminalSetup(content, '.');
  return 'mistakes' in checked ? checked.mistakes.map(({ path, message }) => `${path.join('.')}: ${message}`) : [];
}

describe('a setup', () => {
  it('knows accounts by id and by handle, offsets and defaults', () => {
    const { acquirers, institution, keys } = setup({
      ...SETUP,
      settlement: {
        acq: {
          accounts: { CNY: 'acquirer-one', USD: `${'0'.repeat(31)}a` },
          utcOffset: '-03:30',
          authorisationHours: 2,
        },
      },
    });
    const acquirer = acquirers.get('acq');
    expect([...(acquirer?.settlement ?? [])]).toEqual([
      [156, partyAccountId(1, 'acquirer-one', 156)],
      [840, 10n],
    ]);
    expect(acquirer).toMatchObject({ utcOffsetMinutes: -210, authorisationSeconds: 7200, pins: undefined });
    expect([institution, keys.file.endsWith('/keys.json')]).toEqual([1, true]);
  });

  it.each<[string, unknown]>([
    ['settlement: link acq is missing', { ...SETUP, settlement: {} }],
    ['settlement: link iss is missing', { ...SETUP, links: [...SETUP.links, ISSUER] }],
    [
      'cards: queueKey is missing: what waits for an issuer is kept sealed',
      {
        ...SETUP,
        links: [...SETUP.links, ISSUER],
        settlement: { ...SETUP.settlement, iss: { accounts: { CNY: 'b' } } },
      },
    ],
    [
      'cards.ranges.0.issuer: there is no link to an issuer far',
      { ...SETUP, cards: { tokenKey: 't', ranges: [{ from: '4', issuer: 'far' }] } },
    ],
    [
      'cards.ranges.0.issuer: there is no link to an issuer acq',
      { ...SETUP, cards: { tokenKey: 't', ranges: [{ from: '4', issuer: 'acq' }] } },
    ],
    [
      'cards.ranges.0.cryptogramKey: there is no such setting',
      { ...SETUP, cards: { tokenKey: 't', ranges: [{ from: '4', issuer: 'iss', cryptogramKey: 'imk' }] } },
    ],
    [
      'cards.ranges.0.standIn.amounts.XXY: is no currency',
      { ...SETUP, cards: { tokenKey: 't', ranges: [{ from: '4', issuer: 'iss', standIn: { amounts: { XXY: 1 } } }] } },
    ],
    [
      `links: ${'n'.repeat(33)}: names of issuers have 32 characters at most`,
      {
        ...{ ...SETUP, links: [...SETUP.links, { ...ISSUER, name: 'n'.repeat(33) }] },
        settlement: { ...SETUP.settlement, ['n'.repeat(33)]: { accounts: { CNY: 'b' } } },
      },
    ],
    [
      'cards.ranges.0: it ends (3) before it begins (4)',
      { ...SETUP, cards: { tokenKey: 't', ranges: [{ from: '4', to: '3', entryModes: ['chip'] }] } },
    ],
    ['links.0.colour: there is no such setting', { ...SETUP, links: [{ ...SETUP.links[0], colour: 'red' }] }],
    ['colour: there is no such setting', { ...SETUP, colour: 'red' }],
    [
      'settlement.acq.utcOffset: must look like +08:00',
      { ...SETUP, settlement: { acq: { accounts: { CNY: 'x' }, utcOffset: '8' } } },
    ],
    ['settlement.acq.accounts: names no account', { ...SETUP, settlement: { acq: { accounts: {} } } }],
  ])('is refused: %s', (expected, content) => {
    expect(mistakes(content)).toContain(expected);
  });

  it('knows issuers, whom to ask about which cards, and what is approved in their name', () => {
    const { issuers, queueKey, ranges } = setup({
      ...{ ...SETUP, links: [...SETUP.links, ISSUER] },
      settlement: { ...SETUP.settlement, iss: { accounts: { CNY: 'bank-b' }, pins: { key: 'zpk', format: 3 } } },
      cards: {
        ...{ tokenKey: 't', queueKey: 'q' },
        ranges: [{ from: '4', issuer: 'iss', standIn: { amounts: { CNY: 500 } } }, { from: '42' }],
      },
    });
    expect([...(issuers.get('iss')?.settlement ?? [])]).toEqual([[156, partyAccountId(1, 'bank-b', 156)]]);
    expect([issuers.get('iss')?.pins, queueKey]).toEqual([{ key: 'zpk', format: 3, dukpt: false }, 'q']);
    const standIn = { amounts: { CNY: 500 }, entryModes: ['chip', 'contactless'] };
    expect(ranges.find('4761739001010119')).toEqual({ from: '4', issuer: 'iss', timeoutMs: 8000, standIn });
    expect(ranges.find('4261739001010119')).toEqual({ from: '42', entryModes: ['chip', 'contactless'] });
  });

  it('gives no account to two links, whose totals could not be told apart', () => {
    const links = [...SETUP.links, { ...SETUP.links[0], name: 'other' }];
    const settlement = { acq: { accounts: { CNY: 'one' } }, other: { accounts: { CNY: 'one' } } };
    expect(mistakes({ ...SETUP, links, settlement })).toEqual([
      'settlement.other.accounts.CNY: is the account of acq too',
    ]);
  });
});
