/** Golden vectors of the beginning of a session. */
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

export const SESSION_CASES: readonly GoldenCase[] = [
  {
    name: 'hello',
    command: 'hello',
    input: { key: 'sk_test_0123456789', client: 'till/1.0' },
    value: {
      server: 'sluice/0.1.0',
      institution: 2,
      institutionName: 'Example Wallet',
      scopes: ['read', 'pay'],
      partitions: 1,
      inFlightMax: 1024,
    },
  },
  {
    name: 'hello with a wrong key',
    command: 'hello',
    input: { key: 'wrong' },
    refusal: { code: Code.unauthenticated, index: 0, detail: 'no such key' },
  },
  { name: 'ping', command: 'ping', input: {}, value: {} },
  { name: 'ping with checksum', command: 'ping', checksum: true, input: {}, value: {} },
];
