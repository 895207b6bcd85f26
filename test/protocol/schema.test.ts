import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as cards from '../../protocol/cards.ts';
import * as cancellation from '../../protocol/cancellation.ts';
import * as frame from '../../protocol/frame.ts';
import * as payerCodes from '../../protocol/payer-codes.ts';
import * as reading from '../../protocol/reading-records.ts';
import * as records from '../../protocol/records.ts';
import * as risk from '../../protocol/risk.ts';
import { LAYOUTS, schema } from './support/schema.ts';

/** Version → SHA-256 of the schema. Once released, a line never changes and a new version gets a new one. */
const HASHES: Readonly<Record<number, string>> = {
  1: '134613f41846648dee9bb4397f0a78f4474ff54f35cb4fd111e9957a95de30e7',
};

describe('the schema', () => {
  it('is the one of this version', () => {
    const hash = createHash('sha256').update(JSON.stringify(schema())).digest('hex');
    expect(hash, 'the protocol changed: bump PROTOCOL_VERSION and add its hash').toBe(HASHES[frame.PROTOCOL_VERSION]);
  });

  it('has every layout that the sources declare', () => {
    const declared = [frame, records, cancellation, reading, risk, cards, payerCodes]
      .flatMap((file) => Object.values<unknown>(file))
      .filter((value) => typeof value === 'object' && value !== null && 'fields' in value);
    expect(new Set(LAYOUTS)).toEqual(new Set(declared));
  });
});
