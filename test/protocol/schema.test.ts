import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as frame from '../../protocol/frame.ts';
import * as reading from '../../protocol/reading-records.ts';
import * as records from '../../protocol/records.ts';
import { LAYOUTS, schema } from './support/schema.ts';

/** Version → SHA-256 of the schema. Once released, a line never changes and a new version gets a new one. */
const HASHES: Readonly<Record<number, string>> = {
  1: '504133247e2ed80428e1f3bd6573853ee2a136a7b7d35bd94f33526bfbb0b4e6',
};

describe('the schema', () => {
  it('is the one of this version', () => {
    const hash = createHash('sha256').update(JSON.stringify(schema())).digest('hex');
    expect(hash, 'the protocol changed: bump PROTOCOL_VERSION and add its hash').toBe(HASHES[frame.PROTOCOL_VERSION]);
  });

  it('has every layout that the sources declare', () => {
    const declared = [frame, records, reading]
      .flatMap((file) => Object.values<unknown>(file))
      .filter((value) => typeof value === 'object' && value !== null && 'fields' in value);
    expect(new Set(LAYOUTS)).toEqual(new Set(declared));
  });
});
