import { describe, expect, it } from 'vitest';
import {
  type ClearingEntry,
  type ClearingRole,
  clearingFile,
} from '../../../../adapters/terminal/processing/clearing.ts';
import { businessDay } from '../../../../adapters/terminal/processing/settlement.ts';

const DAY = businessDay(2026, 11, 24, 480);

function entry(over: Partial<ClearingEntry>): ClearingEntry {
  return {
    direction: 'credit',
    amount: 1250n,
    code: 8300,
    paymentId: 7_123_456n,
    timestamp: DAY.from + 1000n,
    ...over,
  };
}

async function fileOf(
  entries: readonly ClearingEntry[],
  role: ClearingRole = 'acquirer',
  references: ReadonlyMap<bigint, string> = new Map(),
  format: 'csv' | 'json' = 'csv',
): Promise<{ lines: string[]; asked: number[] }> {
  const asked: number[] = [];
  async function* given() {
    yield* entries;
  }
  const header = { account: 'aa', currency: 'CNY', day: '2026-11-24', ...DAY, role };
  const lines: string[] = [];
  const look = async (ids: readonly bigint[]): Promise<ReadonlyMap<bigint, string>> => {
    asked.push(ids.length);
    return references;
  };
  const file = clearingFile(header, given(), look, format);
  for await (const line of file) lines.push(line);
  return { lines, asked };
}

describe('a clearing file', () => {
  it('names the account and the day by the clock of the link, and has the totals of nothing', async () => {
    const { lines } = await fileOf([]);
    expect(lines).toEqual([
      'H,1,aa,CNY,2026-11-24,2026-11-23T16:00:00.000Z,2026-11-24T16:00:00.000Z,acquirer\r\n',
      'T,0,0,0,0,0,0,0,0,0,0\r\n',
    ]);
  });

  it('has a record for each payment, its reversal and its references', async () => {
    const references = new Map([[7_123_456n, '632800000123/TERM0001/SHOP 1']]);
    const { lines } = await fileOf([entry({}), entry({ direction: 'debit', amount: 250n })], 'acquirer', references);
    const id = (7_123_456).toString(16).padStart(32, '0');
    const rest = `2026-11-23T16:00:00.001Z,${id},123456,632800000123,TERM0001,SHOP 1\r\n`;
    expect(lines.slice(1)).toEqual([
      `D,1,debit,00,1250,${rest}`,
      `D,2,debitReversal,00,250,${rest}`,
      'T,2,1,1250,1,250,0,0,0,0,1000\r\n',
    ]);
  });

  it('tells what was given to cardholders from what was taken, by the code and the side', async () => {
    const { lines } = await fileOf([
      entry({ code: 8320, direction: 'debit', amount: 40n }),
      entry({ code: 8320, direction: 'credit', amount: 15n }),
      entry({ code: 8301, amount: 9n }),
    ]);
    expect(lines.slice(1, -1).map((line) => line.split(',').slice(1, 5))).toEqual([
      ['1', 'credit', '20', '40'],
      ['2', 'creditReversal', '20', '15'],
      ['3', 'debit', '01', '9'],
    ]);
    expect(lines.at(-1)).toBe('T,3,1,9,0,0,1,40,1,15,-16\r\n');
  });

  it("is the other way round on an issuer's account, which pays", async () => {
    const { lines } = await fileOf([entry({ direction: 'debit' }), entry({ amount: 50n })], 'issuer');
    expect(lines.slice(1, -1).map((line) => line.split(',')[2])).toEqual(['debit', 'debitReversal']);
    expect(lines.at(-1)).toBe('T,2,1,1250,1,50,0,0,0,0,1200\r\n');
  });

  it('leaves out what is no card payment', async () => {
    const { lines } = await fileOf([entry({ code: 1 }), entry({ code: 8400 }), entry({ code: 8399 })]);
    expect(lines).toHaveLength(2);
  });

  it('quotes what terminals say', async () => {
    const { lines } = await fileOf([entry({})], 'acquirer', new Map([[7_123_456n, '1/A,"B"/C/D']]));
    expect(lines[1]).toContain(',1,"A,""B""",C/D\r\n');
  });

  it('says the same as JSON, whole with payments and without', async () => {
    for (const entries of [[], [entry({}), entry({ direction: 'debit', amount: 250n })]]) {
      const { lines } = await fileOf(entries, 'acquirer', new Map([[7_123_456n, '1/T/M']]), 'json');
      const file = JSON.parse(lines.join('')) as { payments: unknown[]; totals: object };
      const amount = entries.length === 0 ? '0' : '1250';
      const reversed = entries.length === 0 ? '0' : '250';
      expect(file).toMatchObject({ version: 1, account: 'aa', day: '2026-11-24', from: '2026-11-23T16:00:00.000Z' });
      expect(file.totals).toMatchObject({
        payments: entries.length,
        debitsAmount: amount,
        debitReversalsAmount: reversed,
      });
      expect(file.payments).toHaveLength(entries.length);
    }
    const { lines } = await fileOf([entry({})], 'acquirer', new Map([[7_123_456n, '1/T/M']]), 'json');
    expect(JSON.parse(lines.join(''))).toMatchObject({
      payments: [{ number: 1, kind: 'debit', processingCode: '00', amount: '1250', retrieval: '1', merchant: 'M' }],
      totals: { debits: 1, net: '1250' },
    });
  });

  it('looks payments up in pages, each once', async () => {
    const many = Array.from({ length: 1200 }, (_, number) => entry({ paymentId: BigInt(1 + (number >> 1)) }));
    const { lines, asked } = await fileOf(many);
    expect(asked).toEqual([250, 250, 100]);
    expect(lines).toHaveLength(1202);
  });
});
