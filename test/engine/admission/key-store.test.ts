import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStore } from '../../../engine/admission/key-store.ts';

let directory: string;
let now: number;
let store: KeyStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  now = 1_000_000;
  store = KeyStore.open({ directory: join(directory, 'control'), nowMs: () => now });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('KeyStore', () => {
  it('comes with the operator as institution 1', () => {
    expect(store.listInstitutions()).toEqual([{ number: 1, name: 'operator' }]);
    expect(store.createInstitution('Acquirer A')).toEqual({ number: 2, name: 'Acquirer A' });
    expect(store.institution(2)).toEqual({ number: 2, name: 'Acquirer A' });
    expect(store.institution(3)).toBeUndefined();
  });

  it('recognises a key and says who it is', () => {
    const { number } = store.createInstitution('银行');
    const key = store.createKey({ institution: number, scopes: ['pay', 'read'], label: 'till 4' });
    expect(key.text).toMatch(/^slk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const expected = { institution: 2, institutionName: '银行', scopes: ['read', 'pay'], keyId: key.id };
    expect(store.authenticate(key.text)).toEqual(expected);
    expect(store.authenticate(key.text)).toEqual(expected);
  });

  it('knows nobody else', () => {
    const key = store.createKey({ institution: 1, scopes: ['read'], label: 'a' });
    const other = store.createKey({ institution: 1, scopes: ['read'], label: 'b' });
    const secret = key.text.slice(21);
    for (const text of [
      '',
      'slk_',
      key.text.slice(0, -1),
      `${key.text}=`,
      ` ${key.text}`,
      key.text.toUpperCase(),
      `slk_${other.id}_${secret}`,
      `slk_0000000000000000_${secret}`,
      `slk_${key.id}_${'A'.repeat(43)}`,
      'x'.repeat(100_000),
    ]) {
      expect(store.authenticate(text)).toBeUndefined();
    }
  });

  it('keeps no secret on disk', async () => {
    const key = store.createKey({ institution: 1, scopes: ['read'], label: 'a' });
    await store.close();
    for (const file of readdirSync(join(directory, 'control'))) {
      const bytes = readFileSync(join(directory, 'control', file));
      expect(bytes.includes(key.text.slice(21))).toBe(false);
      if (file === 'data.mdb') expect(bytes.includes(key.id)).toBe(true);
    }
    store = KeyStore.open({ directory: join(directory, 'control'), nowMs: () => now });
    expect(store.authenticate(key.text)?.keyId).toBe(key.id);
  });

  it('lists keys without secrets, and ends them', () => {
    const first = store.createKey({ institution: 1, scopes: ['read'], label: 'first' });
    now += 5;
    const second = store.createKey({ institution: 1, scopes: ['admin'], label: 'second' });
    const { text: _, ...entry } = first;
    expect(store.listKeys()[0]).toEqual(entry);
    expect(JSON.stringify(store.listKeys())).not.toContain(first.text.slice(21));
    expect(store.listKeys(2)).toEqual([]);
    expect(store.authenticate(first.text)).toBeDefined();
    expect(store.revokeKey(first.id)).toBe(true);
    expect(store.authenticate(first.text)).toBeUndefined();
    now += 10;
    expect(store.revokeKey(first.id)).toBe(true);
    expect(store.listKeys().map(({ revokedAtMs }) => revokedAtMs)).toEqual([1_000_005, undefined]);
    expect(store.revokeKey('nobody')).toBe(false);
    expect(store.authenticate(second.text)?.scopes).toEqual(['admin']);
  });

  it('refuses keys and institutions that make no sense', () => {
    const good = { institution: 1, scopes: ['read'], label: 'a' } as const;
    for (const bad of [
      { ...good, institution: 99 },
      { ...good, scopes: [] },
      { ...good, scopes: ['root' as 'read'] },
      { ...good, label: '' },
      { ...good, label: 'a\nb' },
      { ...good, label: 'x'.repeat(129) },
    ]) {
      expect(() => store.createKey(bad)).toThrow(RangeError);
    }
    expect(() => store.createInstitution('  ')).toThrow(RangeError);
    expect(store.listKeys()).toEqual([]);
  });

  it('stays bounded when very many keys are used', () => {
    const key = store.createKey({ institution: 1, scopes: ['read'], label: 'a' });
    for (let i = 0; i < 10_000; i++) store.authenticate(`slk_${i.toString(16).padStart(16, '0')}_${'A'.repeat(43)}`);
    expect(store.authenticate(key.text)).toBeDefined();
  });
});

describe('KeyStore of two processes', () => {
  it('sees new keys at once and revocations within a second', async () => {
    const child = spawn(process.execPath, [
      '--import',
      'tsx',
      fileURLToPath(new URL('key-store-process.ts', import.meta.url)),
      join(directory, 'control'),
    ]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ask = async (line: string): Promise<string> => {
      child.stdin.write(`${line}\n`);
      return String((await lines.next()).value);
    };
    try {
      const text = await ask('create');
      const principal = store.authenticate(text);
      expect(principal).toMatchObject({ institution: 2, institutionName: 'from the command line', scopes: ['pay'] });
      expect(await ask(`revoke ${principal!.keyId}`)).toBe('true');
      expect(store.authenticate(text)).toBeDefined(); // still trusted for a moment
      now += 999;
      expect(store.authenticate(text)).toBeUndefined();

      const mine = store.createKey({ institution: 1, scopes: ['read'], label: 'mine' });
      expect(await ask(`authenticate ${mine.text}`)).toBe('operator');
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
  });
});
