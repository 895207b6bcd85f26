// The ids that messages get: the same for what is the same, other for what is not, in the order of time.
import { describe, expect, it } from 'vitest';
import {
  approvalCode,
  idOf,
  type MessageKey,
  messageClassOf,
  relatedId,
  timeOf,
} from '../../../../adapters/terminal/processing/message-ids.ts';
import { isClientId } from '../../../../protocol/ids.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 0, 30);
const KEY: MessageKey = {
  ...{ link: 'acq', acquirer: '1', terminal: 'T1', stan: '000001', transmission: '0101000000' },
  messageClass: '20',
};

describe('ids', () => {
  it('differ in each part of the key, and are those of clients', () => {
    const changed = (Object.keys(KEY) as (keyof MessageKey)[]).map((part) => {
      const other = part === 'transmission' ? '0101000001' : `${KEY[part]}9`;
      return idOf({ ...KEY, [part]: other }, NOW);
    });
    const ids = [idOf(KEY, NOW), ...changed];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id !== undefined && isClientId(id))).toBe(true);
    expect(idOf({ ...KEY }, NOW)).toBe(ids[0]);
  });

  it('are in the order of DE7, and a related one stands with its own', () => {
    const first = idOf(KEY, NOW) ?? 0n;
    const later = idOf({ ...KEY, transmission: '0101000001' }, NOW) ?? 0n;
    expect(first < later).toBe(true);
    expect(relatedId(first, 'capture') >> 80n).toBe(first >> 80n);
    expect(relatedId(first, 'capture')).not.toBe(relatedId(first, 'cancel'));
  });

  it.each([
    ['1231235959', Date.UTC(2025, 11, 31, 23, 59, 59)],
    ['0101000000', Date.UTC(2026, 0, 1)],
    ['0630120000', Date.UTC(2026, 5, 30, 12)],
    ['0703120000', Date.UTC(2025, 6, 3, 12)],
    ['0229000000', Date.UTC(2024, 1, 29)],
  ])('take %s for the year that is nearest to now', (transmission, expected) => {
    const now = transmission.startsWith('0229') ? Date.UTC(2025, 0, 1) : NOW;
    expect(timeOf(transmission, now)).toBe(expected);
  });

  it.each(['1301000000', '0132000000', '0101240000', '0101006000', '0230000000', '01010000', 'abcdefghij'])(
    'are none when DE7 is %s',
    (transmission) => {
      expect(idOf({ ...KEY, transmission }, NOW)).toBeUndefined();
    },
  );

  it('class a repeat with its original, and an advice apart', () => {
    expect(['0200', '0201', '0220', '0400', '1200'].map(messageClassOf)).toEqual(['20', '20', '22', '40', '20']);
  });

  it('give approval codes of six digits', () => {
    expect([approvalCode(7n), approvalCode(123_456_789n)]).toEqual(['000007', '456789']);
  });
});
