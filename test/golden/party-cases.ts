/** Golden vectors of parties and terms. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

interface Sample {
  readonly rich: object;
  readonly party: object;
  readonly storedParty: object;
  readonly time: bigint;
}

export function partyCases({ rich, party, storedParty, time }: Sample): readonly GoldenCase[] {
  return [
    { name: 'register a merchant', command: 'putParty', input: party, value: { ...rich, party: storedParty } },
    {
      name: 'a party that does not exist',
      command: 'getParty',
      input: { handle: 'nobody' },
      value: { ...rich, ...resultOfCode(Code.partyNotFound) },
    },
    {
      name: 'the newest party, and more to come',
      command: 'listParties',
      input: { cursor: 0, limit: 1 },
      value: { ...rich, parties: [storedParty], nextCursor: 4711 },
    },
    {
      name: 'a tariff: 0.6 %, at least 1, at most 5000',
      command: 'putTariff',
      input: {
        number: 3,
        basisPoints: 60,
        fixed: 0,
        minimum: 1,
        maximum: 5000,
        feeAccountId: '019300000000700080000000000000f1',
      },
      value: rich,
    },
    {
      name: 'a campaign: 10 %, at most 300, from 1000 on',
      command: 'putCampaign',
      input: {
        accountId: '019300000000700080000000000000c1',
        basisPoints: 1000,
        fixed: 0,
        maximum: 300,
        minimumAmount: 1000,
        startsAt: Number(time),
        endsAt: 0,
      },
      value: rich,
    },
  ];
}
