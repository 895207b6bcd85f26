/** Parties, tariffs and campaigns: what is stored, what is refused, and that a restart knows all of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import { decodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import { encodeMessagePack } from '../../../protocol/message-pack.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, START } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const party = { handle: 'corner-shop', kind: 'merchant', name: 'Corner Shop', ledgers: [156], mcc: 5411 } as const;
const tariff = { number: 1, basisPoints: 60, fixed: 1, minimum: 0, maximum: 0, feeAccountId: formatId(1n) };
const campaign = {
  accountId: formatId(4n),
  basisPoints: 1000,
  fixed: 0,
  maximum: 0,
  minimumAmount: 0,
  startsAt: 0,
  endsAt: 0,
};

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
});

describe('parties', () => {
  it('belong to their institution', async () => {
    const put = await desk.putParty(2, party);
    expect(put.party).toEqual({ ...party, institution: 2, updatedAt: START });
    expect((await desk.getParty(2, party.handle)).party).toEqual(put.party);
    expect((await desk.getParty(3, party.handle)).name).toBe('partyNotFound');
    expect((await desk.getParty(2, 'other')).name).toBe('partyNotFound');
  });

  it('may change everything but their kind; the same again writes nothing', async () => {
    await desk.putParty(2, party);
    const before = memory.journal.nextLsn;
    desk.now += 1;
    expect((await desk.putParty(2, party)).party?.updatedAt).toBe(START);
    expect(memory.journal.nextLsn).toBe(before);
    expect((await desk.putParty(2, { ...party, kind: 'house' })).name).toBe('partyKindMustNotChange');
    expect((await desk.putParty(2, { ...party, mcc: 1 })).party).toMatchObject({ mcc: 1, updatedAt: START + 1 });
  });

  it('in a body that is none: malformedBody', async () => {
    for (const [name, body] of [
      ['putParty', { ...party, more: 1 }],
      ['getParty', {}],
      ['listParties', { cursor: 0, limit: 0 }],
      ['putTariff', {}],
      ['putCampaign', {}],
    ] as const) {
      const packed = encodeMessagePack(body);
      const frame = await desk.one({ institution: 2, name, flags: 0, count: packed.length, body: packed });
      expect(decodeRich(openReply(frame), name).name).toBe('malformedBody');
    }
  });
});

describe('tariffs and campaigns', () => {
  it('feeAccountNotFound, campaignNotFound, accountForbidden', async () => {
    expect(nameOf(await desk.putTariff(2, { ...tariff, feeAccountId: formatId(99n) }))).toBe('feeAccountNotFound');
    expect(nameOf(await desk.putCampaign(2, { ...campaign, accountId: formatId(99n) }))).toBe('campaignNotFound');
    expect(nameOf(await desk.putCampaign(3, campaign))).toBe('accountForbidden');
    expect(nameOf(await desk.putCampaign(1, campaign))).toBe('ok');
  });

  it('the same again writes nothing, and what was put last holds', async () => {
    await desk.putTariff(2, tariff);
    await desk.putCampaign(2, campaign);
    const before = memory.journal.nextLsn;
    await desk.putTariff(2, tariff);
    await desk.putCampaign(2, campaign);
    expect(memory.journal.nextLsn).toBe(before);
    await desk.putTariff(2, { ...tariff, fixed: 9 });
    await desk.putTariff(2, tariff);
    expect(memory.state.entities.tariff(2, 1)).toMatchObject({ fixed: 1 });
    expect(memory.state.entities.tariff(3, 1)).toBeUndefined();
  });

  it('a campaign runs in its time', async () => {
    const from = START + 10;
    await desk.putCampaign(2, { ...campaign, startsAt: from, endsAt: from + 10 });
    const sale = { payerAccountId: 1n, payeeAccountId: 3n, amount: 100n, ledger: 156, code: 1, campaignId: 4n };
    const names: string[] = [];
    for (const [index, at] of [from - 1, from, from + 9, from + 10].entries()) {
      desk.now = at;
      names.push((await desk.pay(1, 'sale', { ...sale, id: BigInt(10 + index) })).name);
    }
    expect(names).toEqual(['campaignNotApplicable', 'ok', 'ok', 'campaignNotApplicable']);
  });

  it('are known after a replay', async () => {
    await desk.putParty(2, party);
    await desk.putTariff(2, tariff);
    await desk.putTariff(2, { ...tariff, fixed: 9 });
    await desk.putCampaign(2, campaign);
    const again = replayed(memory);
    expect(takeSnapshot(again).entities).toEqual(takeSnapshot(memory.state).entities);
    expect(again.entities.tariff(2, 1)).toEqual(memory.state.entities.tariff(2, 1));
    expect(again.entities.getParty(2, party.handle)).toEqual(memory.state.entities.getParty(2, party.handle));
  });
});
