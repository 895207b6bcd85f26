// The key store on disk: loaded whole or not at all, every error by its name, nothing of a key in any of them.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wrapKey } from '../../../../../adapters/terminal/crypto/tr31/key-block.ts';
import { KEY_FILE_ERRORS, loadKeyFile } from '../../../../../adapters/terminal/crypto/vault/key-file.ts';
import { hex } from '../../../../support/seeded-bytes.ts';

const MASTER = '88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6';
const KEY = '0123456789ABCDEFFEDCBA9876543210';
const told = new Set<string>();
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function block(usage = 'E0'): string {
  const rest = { algorithm: 'T', mode: 'X', keyVersion: '00', exportability: 'N', optional: [] };
  const result = wrapKey(hex(MASTER), { version: 'D', usage, ...rest }, hex(KEY));
  return result.ok ? result.block : expect.fail(result.problem);
}

function load(document: unknown, master: string | undefined = MASTER, mode = 0o600) {
  const keyFile = join(directory, 'keys.json');
  const masterFile = join(directory, 'master.key');
  writeFileSync(keyFile, typeof document === 'string' ? document : JSON.stringify(document));
  writeFileSync(masterFile, `${master}\n`);
  chmodSync(masterFile, mode);
  return tell(loadKeyFile(keyFile, masterFile));
}

function tell(loaded: ReturnType<typeof loadKeyFile>) {
  if (loaded.ok) return loaded;
  const said = JSON.stringify(loaded);
  for (const secret of [MASTER, KEY]) expect(said.includes(secret)).toBe(false);
  for (const { code } of loaded.errors) told.add(code);
  return loaded;
}

const entry = (id: string, usage = 'E0') => ({ id, usage, block: block(usage) });

describe('key file', () => {
  it('gives its keys, which show nothing of themselves', () => {
    const loaded = load({ format: 1, keys: [entry('visa-imk'), entry('base', 'B0')] });
    if (!loaded.ok) expect.fail(loaded.errors[0]?.problem);
    const [first] = loaded.keys;
    expect(loaded.keys.map((key) => key.info)).toEqual([
      { id: 'visa-imk', usage: 'E0', algorithm: 'T', mode: 'X', checkValue: '08D7B4' },
      { id: 'base', usage: 'B0', algorithm: 'T', mode: 'X', checkValue: '08D7B4' },
    ]);
    const shown = `${first}${JSON.stringify(first)}${inspect(first, { showHidden: true, depth: 9 })}`;
    expect(shown).not.toMatch(/0123456789ABCDEF|Uint8Array|69, 103/i);
    expect(first?.use((key) => Buffer.from(key).toString('hex').toUpperCase())).toBe(KEY);
    first?.wipe();
    expect(first?.use((key) => key.every((byte) => byte === 0))).toBe(true);
  });

  it.each([
    ['masterKeyFormat', MASTER.slice(1)],
    ['masterKeyFormat', `${MASTER.slice(2)}zz`],
    ['masterKeyFormat', ''],
    ['masterKeyFormat', MASTER.repeat(9)],
  ])('%s: the master key is %#', (code, master) => {
    expect(load({ format: 1, keys: [] }, master)).toMatchObject({ ok: false, errors: [{ code }] });
  });

  it.each([0o640, 0o604, 0o660, 0o644])('masterKeyMode: others can read it, %i', (mode) => {
    const { errors } = load({ format: 1, keys: [] }, MASTER, mode) as { errors?: unknown };
    const problem = expect.stringContaining(`has mode 0${mode.toString(8)}: make it 0600`);
    expect(errors).toEqual([{ code: 'masterKeyMode', problem }]);
  });

  it.each([
    'not JSON',
    [],
    { format: 2, keys: [] },
    { format: 1 },
    { format: 1, keys: ['x'] },
    { format: 1, keys: [{ id: 'a b', usage: 'E0', block: '' }] },
    { format: 1, keys: [{ id: 'a', usage: 'e0', block: '' }] },
    { format: 1, keys: [{ id: 'a', usage: 'E0' }] },
    { format: 1, keys: Array(10_001).fill({}) },
  ])('keyFileFormat: %#', (document) => {
    expect(load(document)).toMatchObject({ ok: false, errors: [{ code: 'keyFileFormat' }] });
  });

  it('tells all that is wrong with keys, and gives none of them', () => {
    const keys = [
      entry('a'),
      entry('a'),
      { ...entry('b'), usage: 'B0' },
      { ...entry('c'), block: `${block().slice(0, -1)}x` },
    ];
    const loaded = load({ format: 1, keys });
    expect(loaded).toMatchObject({
      ok: false,
      errors: [{ code: 'duplicateId' }, { code: 'usageMismatch' }, { code: 'blockInvalid' }],
    });
    const other = load({ format: 1, keys: [entry('a')] }, MASTER.replaceAll('8', '9'));
    const problem = expect.stringMatching(/^key "a" in .*: the MAC is wrong: another protection key/);
    expect(other).toMatchObject({ errors: [{ code: 'blockInvalid', problem }] });
  });

  it('names the file that is missing', () => {
    load({ format: 1, keys: [] });
    const missing = join(directory, 'none');
    expect(tell(loadKeyFile(missing, join(directory, 'master.key')))).toMatchObject({
      errors: [{ code: 'keyFileMissing' }],
    });
    expect(tell(loadKeyFile(join(directory, 'keys.json'), missing))).toMatchObject({
      errors: [{ code: 'masterKeyMissing', problem: `the master key file ${missing} cannot be opened` }],
    });
  });

  it('has an example of each error', () => {
    expect([...told].sort()).toEqual([...KEY_FILE_ERRORS].sort());
  });
});
