/** Every result of the partition has a row in some test, or is one that only the edge answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RESULTS } from '../../../protocol/results.ts';

/** Answered before a command reaches a partition: by the check of the frame. */
const EDGE_ONLY = ['referenceTooLong'];

const FOLDERS = ['ledger', 'payment', 'entity', 'query', 'risk', 'outbox', 'card', 'payer-code', 'order'].map((name) =>
  join(import.meta.dirname, '..', name),
);

function testsOf(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

describe('results 3xx to 8xx, and 10xx', () => {
  const rows = Object.entries(RESULTS).filter(([, { code }]) => code >= 300 && Math.floor(code / 100) !== 9);
  const tests = FOLDERS.map(testsOf).join('\n');

  it.each(rows.map(([name]) => name))('%s is in a test, or of the edge alone', (name) => {
    const isTested = tests.includes(`'${name}'`) || tests.includes(`Code.${name}`);
    expect(isTested).toBe(!EDGE_ONLY.includes(name));
  });
});
