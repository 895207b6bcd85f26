/** Golden vectors of queues. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

const ok = resultOfCode(Code.ok);
const CREATED = 1_760_000_000_000_000;
const QUEUE = 'issuer-a';
const ID = '01930000000070008000000000000c01';
const put = {
  queue: QUEUE,
  id: ID,
  state: 'armed',
  notBefore: 0,
  expiresAt: CREATED + 86_400_000_000,
  body: 'AQIDBA==',
  reference: '01930000000070008000000000000002',
};
const { body, ...bodiless } = put;
const entry = { ...bodiless, attempts: 0, created: CREATED, number: 1, institution: 2 };
const due = { ...entry, state: 'due', attempts: 1, notBefore: CREATED + 5_000_000 };

export const OUTBOX_CASES: readonly GoldenCase[] = [
  { name: 'an entry is armed', command: 'putOutbox', input: put, value: { ...ok, entry } },
  {
    name: 'an entry was tried',
    command: 'changeOutbox',
    input: { queue: QUEUE, id: ID, attempts: 1, notBefore: due.notBefore },
    value: { ...ok, entry: due },
  },
  {
    name: 'what is due in a queue',
    command: 'listOutbox',
    input: { queue: QUEUE, state: 'due', cursor: 0, limit: 10 },
    value: { ...ok, entries: [{ ...due, body }], nextCursor: 0 },
  },
  {
    name: 'an entry is taken out',
    command: 'removeOutbox',
    input: { queue: QUEUE, id: ID },
    value: { ...ok, entry: { ...due, state: 'removed' } },
  },
];
