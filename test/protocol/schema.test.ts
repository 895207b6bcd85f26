import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../protocol/frame.ts';
import { LAYOUTS, schema } from './support/schema.ts';

/** Version → SHA-256 of the schema. A released line never changes; a new version gets a new line. */
const HASHES: Readonly<Record<number, string>> = {
  1: '16ca5c953b3d979d2f0aa3774dbd9802faf1a42e977fb92912b1c55d2080e602',
};

describe('the schema', () => {
  it('is the one of this version', () => {
    const hash = createHash('sha256').update(JSON.stringify(schema())).digest('hex');
    expect(hash, 'the protocol changed: bump PROTOCOL_VERSION and add its hash').toBe(HASHES[PROTOCOL_VERSION]);
  });

  it('has every layout once', () => {
    expect(LAYOUTS.map(({ name }) => name)).toEqual([...new Set(LAYOUTS.map(({ name }) => name))]);
    expect(LAYOUTS).toHaveLength(13);
  });
});
