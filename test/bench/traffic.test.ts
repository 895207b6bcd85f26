import { describe, expect, it } from 'vitest';
import { benchAccount, benchAccounts, LEDGER } from '../../bench/accounts.ts';
import { Random } from '../../bench/load/random.ts';
import { makeTraffic } from '../../bench/load/traffic.ts';
import { partitionOfAccount } from '../../engine/hash-id.ts';
import { checkFrame } from '../../protocol/check-frame.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { isClientId } from '../../protocol/ids.ts';
import { decodeRecord } from '../../protocol/layout.ts';
import { PAYMENT, TRANSFER } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';

const NOW = 1_790_000_000_000;
const accounts = benchAccounts(20, 2);
const groups = accounts.map((group) => ({
  payers: group.map(({ words }) => words),
  payees: group.map(({ words }) => words),
}));
const partitionOf = new Map(accounts.flatMap((group, partition) => group.map(({ id }) => [id, partition] as const)));

/** `count` requests of a traffic, each as the server gets it. */
function requests(spec: Parameters<typeof makeTraffic>[0], count: number): Uint8Array[] {
  const traffic = makeTraffic(spec, new Random(3));
  const frame = new Uint8Array(traffic.payloadBytes);
  traffic.prepare(frame, 0);
  return Array.from({ length: count }, () => {
    traffic.renew(new Uint32Array(frame.buffer), 0, NOW);
    return frame.slice();
  });
}

describe('transfers', () => {
  it.each([1, 50, 8190])('%i in a message: valid frames, new ids, accounts of one partition', (records) => {
    const spec = { type: 'transfers', records, ledger: LEDGER, groups, distribution: 'uniform', crossing: 0 } as const;
    const ids = new Set<bigint>();
    let strays = 0;
    for (const frame of requests(spec, 3)) {
      expect(checkFrame(frame)).toBe(Code.ok);
      const view = new DataView(frame.buffer, FRAME_HEADER.size);
      for (let record = 0; record < records; record++) {
        const transfer = decodeRecord(TRANSFER, view, record * TRANSFER.size);
        ids.add(transfer.id);
        const { debitAccountId: debit, creditAccountId: credit } = transfer;
        if (debit === credit || partitionOf.get(debit) !== partitionOf.get(credit)) strays++;
        if (record % 1000 !== 0) continue;
        expect(partitionOf.get(debit)).toBeDefined();
        expect(transfer).toMatchObject({ ledger: LEDGER, code: 1, flags: 0, pendingId: 0n, timestamp: 0n });
        expect(transfer.amount > 0n).toBe(true);
      }
    }
    expect(ids.size).toBe(records * 3);
    expect(strays).toBe(0);
  });
});

describe('transfers between partitions', () => {
  it.each([
    [0.25, 'uniform'],
    [0.5, 'zipf'],
    [1, 'hot'],
  ] as const)('are %f of all, %s accounts', (crossing, distribution) => {
    const spec = { type: 'transfers', records: 8190, ledger: LEDGER, groups, distribution, crossing } as const;
    let crossed = 0;
    for (const frame of requests(spec, 2)) {
      const view = new DataView(frame.buffer, FRAME_HEADER.size);
      for (let record = 0; record < 8190; record++) {
        const { debitAccountId, creditAccountId } = decodeRecord(TRANSFER, view, record * TRANSFER.size);
        expect(debitAccountId).not.toBe(creditAccountId);
        if (partitionOf.get(debitAccountId) !== partitionOf.get(creditAccountId)) crossed++;
      }
    }
    expect(Math.abs(crossed / (2 * 8190) - crossing)).toBeLessThan(0.02);
  });
});

describe('sales', () => {
  it('are valid frames with a reference of their own', () => {
    const frames = requests({ type: 'sales', ledger: LEDGER, groups, distribution: 'zipf' }, 300);
    const references = frames.map((frame) => Buffer.from(frame.subarray(-16)).toString());
    expect(frames.map((frame) => checkFrame(frame))).toEqual(frames.map(() => Code.ok));
    expect(new Set(references).size).toBe(300);
    expect(references[0]).toBe('order-0000000000');
    expect(references[299]).toBe('order-000000012b');
    const sale = decodeRecord(PAYMENT, new DataView(frames[0]!.buffer, FRAME_HEADER.size), 0);
    expect(isClientId(sale.id)).toBe(true);
    expect(sale).toMatchObject({
      ledger: LEDGER,
      campaignId: 0n,
      expiresAfterS: 0,
      referenceLength: 16,
      timestamp: 0n,
    });
  });
});

describe('accounts', () => {
  it('are grouped by the partition that keeps them', () => {
    const all = benchAccounts(100, 4, 50);
    expect(
      all
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(Array.from({ length: 100 }, (_, n) => benchAccount(50 + n).id).sort());
    all.forEach((group, partition) => {
      for (const { words } of group) expect(partitionOfAccount(...words, 4)).toBe(partition);
    });
  });

  it('have words that make up their id', () => {
    const { id, words } = benchAccount(123);
    expect(words.reduceRight((whole, word) => (whole << 32n) | BigInt(word), 0n)).toBe(id);
    expect(isClientId(id)).toBe(true);
  });
});
