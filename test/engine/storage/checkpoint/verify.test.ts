// One flipped byte in any value of the environment is found, and its place is named.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { type LmdbEnvironment, openIndexEnvironment } from '../../../../engine/storage/checkpoint/environment.ts';
import type { Finding } from '../../../../engine/storage/checkpoint/findings.ts';
import { Memtable } from '../../../../engine/storage/index/memtable.ts';
import { PAGES_MAX, sealPage } from '../../../../engine/storage/index/page.ts';
import { randomKey, randomWords, request, runSeed, section } from '../support.ts';

const hashSeed = 11;
const seed = runSeed();
const random = randomWords(seed);
const PARTS = ['entries', 'filter', 'fences'] as const;
let path: string;
let store: CheckpointStore;
let environment: LmdbEnvironment;

beforeAll(() => {
  path = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
  store = new CheckpointStore({ path, hashSeed });
  environment = openIndexEnvironment(path);
  let base = 0;
  for (const lsn of [10_000, 20_000]) {
    const frozen = Object.fromEntries(
      ['transfers', 'payments'].map((index) => {
        const table = new Memtable({ bound: 1200, hashSeed });
        for (let i = 1; i <= 1200; i++) table.put(...randomKey(random), i);
        return [index, table.freeze()];
      }),
    );
    const sections = { accounts: section(600_000, (at) => at), timers: section(40, (at) => at) };
    base = store.write(request({ base, lsn, frozen, sections })).manifest.id;
  }
});

afterAll(async () => {
  await environment.close();
  rmSync(path, { recursive: true });
});

function findings(): readonly Finding[] {
  return store.verifyCheckpoints().findings;
}

/** Flips one bit of a random byte in a value, gives what verifying then finds, and puts the value back. */
async function flipped<K>(
  database: { getBinary(key: K): Buffer | undefined; put(key: K, value: Uint8Array): Promise<boolean> },
  key: K,
): Promise<readonly Finding[]> {
  const value = Buffer.from(database.getBinary(key)!);
  const harmed = Buffer.from(value);
  const at = random() % harmed.length;
  harmed[at] = harmed[at]! ^ (1 << (random() % 8));
  await database.put(key, harmed);
  const found = findings();
  await database.put(key, value);
  return found;
}

describe('verifying checkpoints', () => {
  it('finds nothing in what is whole', () => {
    expect(store.verifyCheckpoints()).toEqual({ checkpoints: 2, segments: 4, entries: 4800, findings: [] });
  });

  it('names the segment, part and page', async () => {
    const keys = [...environment.pages.getKeys()];
    expect(keys.length).toBe(4 * (4 + 1 + 1));
    for (const key of [...keys, ...keys, ...keys]) {
      const found = await flipped(environment.pages, key);
      const place = {
        where: 'index',
        segment: Math.floor(key / (PAGES_MAX * 4)),
        part: PARTS[Math.floor(key / PAGES_MAX) % 4],
        page: key % PAGES_MAX,
      };
      expect(found, `SEED=${seed} key ${key}`).toEqual([expect.objectContaining(place)]);
    }
  }, 30_000);

  it('names the section and chunk', async () => {
    const keys = [...environment.sections.getKeys()];
    expect(keys.length).toBe(2 * (3 + 1));
    for (const key of [...keys, ...keys]) {
      const [id, number, chunk] = key as [number, number, number];
      const found = await flipped(environment.sections, key);
      const place = { where: 'checkpoint', checkpointLsn: id * 10_000, section: ['accounts', 'timers'][number], chunk };
      expect(found, `SEED=${seed} key ${key}`).toEqual([expect.objectContaining(place)]);
    }
  }, 30_000);

  it('names the manifest', async () => {
    for (const key of [...environment.manifests.getKeys()]) {
      for (let i = 0; i < 20; i++) {
        const found = await flipped(environment.manifests, key);
        const place = { where: 'checkpoint', checkpointLsn: key[1], section: 'manifest' };
        expect(found, `SEED=${seed} key ${key}`).toEqual([expect.objectContaining(place)]);
      }
    }
  }, 30_000);

  it('finds values that are missing or swapped', async () => {
    const [first, second] = [...environment.pages.getKeys()] as [number, number];
    const page = Buffer.from(environment.pages.getBinary(first)!);
    await environment.pages.put(first, Buffer.from(environment.pages.getBinary(second)!));
    expect(findings()).toEqual([expect.objectContaining({ part: 'entries', page: 0, problem: 'is another page' })]);
    await environment.pages.remove(first);
    expect(findings()).toEqual([expect.objectContaining({ part: 'entries', page: 0, problem: 'is missing' })]);
    await environment.pages.put(first, page);
    expect(findings()).toEqual([]);
  });

  it.each([
    ['unsorted', (words: Uint32Array) => words.set(words.slice(4, 10), 4 + 6 * 9), 'is not above the one before'],
    ['not in the filter', (words: Uint32Array) => words.set([1], 4 + 6 * 9), 'is not in the filter'],
    ['from the future', (words: Uint32Array) => words.set([99], 4 + 6 * 9 + 5), 'not one before the checkpoint'],
    [
      'unlike its fence',
      (words: Uint32Array) => words.set([0, 0, 0, 0], 4),
      'does not begin with the key of its fence',
    ],
  ])('finds a page with a right checksum that is %s', async (_, harm, problem) => {
    const [key] = [...environment.pages.getKeys()] as [number];
    const page = Buffer.from(environment.pages.getBinary(key)!);
    const words = new Uint32Array(new Uint8Array(page).buffer);
    harm(words);
    await environment.pages.put(key, sealPage(words, words[1]!, 0, 0, words[3]!));
    const found = findings();
    await environment.pages.put(key, page);
    expect(found.map((finding) => finding.problem).join()).toContain(problem);
    expect(found.every((finding) => finding.where === 'index' && finding.page === 0)).toBe(true);
  });
});
