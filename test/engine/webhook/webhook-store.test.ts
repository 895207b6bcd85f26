import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStore } from '../../../engine/admission/key-store.ts';
import { ENDPOINTS_MAX, type NewEndpoint, WebhookStore } from '../../../engine/webhook/webhook-store.ts';

let folder: string;
let store: WebhookStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-webhooks-'));
  store = WebhookStore.open(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});
const GOOD: NewEndpoint = {
  url: 'https://a.example/x',
  institution: 2,
  types: [],
  attemptsMax: 3,
  cursors: [5, 6],
  nowMs: 7,
};
const add = (change: Partial<NewEndpoint> = {}) => store.add({ ...GOOD, ...change });

describe('the store of webhooks', () => {
  it('keeps endpoints and where they begin, beside the keys, over a restart', async () => {
    const keys = KeyStore.open({ directory: folder, nowMs: () => 0 });
    const made = add({ types: ['payment', 'account'] });
    expect(made).toMatchObject({ id: expect.stringMatching(/^we_[0-9a-f]{16}$/), types: ['account', 'payment'] });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await store.close();
    store = WebhookStore.open(folder);
    expect(store.endpoints()).toEqual([made]);
    expect(store.states(made.id).map(({ partition, state }) => [partition, state.cursor])).toEqual([
      [0, 5],
      [1, 6],
    ]);
    expect(keys.listInstitutions()).toHaveLength(1);
    await keys.close();
  });

  it.each([
    ['ftp://a.example/', /not an http/],
    ['nonsense', /not an http/],
    ['https://user:pass@a.example/', /name or password/],
    [`https://a.example/${'x'.repeat(2048)}`, /2048/],
  ])('refuses the address %s', (url, message) => {
    expect(() => add({ url })).toThrow(message);
    expect(store.endpoints()).toEqual([]);
  });

  it('refuses strange types, strange numbers of attempts, and one endpoint too many', () => {
    expect(() => add({ types: ['nonsense'] })).toThrow(/"nonsense" is not a type/);
    for (const attemptsMax of [0, 101, 1.5]) expect(() => add({ attemptsMax })).toThrow(/attempts/);
    for (let n = 0; n < ENDPOINTS_MAX; n++) add({ cursors: [] });
    expect(() => add()).toThrow(/64 webhooks/);
  });

  it('keeps the dead letters of one endpoint from those of another', async () => {
    const [a, b] = [add(), add()];
    const letter = { partition: 0, cursor: 1, until: 2, attempts: 1, error: 'x', atMs: 0, retry: false };
    await store.bury({ ...letter, id: 'm1', endpoint: a.id });
    await store.bury({ ...letter, id: 'm2', endpoint: b.id });
    expect(store.dead(a.id).map(({ id }) => id)).toEqual(['m1']);
    expect(store.deadCount(b.id)).toBe(1);
    expect(store.remove(a.id)).toBe(true);
    expect([store.deadCount(a.id), store.deadCount(b.id)]).toEqual([0, 1]);
  });
});
