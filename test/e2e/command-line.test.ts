import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sluice } from './support/command.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A port on which nothing listens: 1 is reserved and needs privileges. */
const NOWHERE = ['--url', 'ws://127.0.0.1:1/v1/ws', '--key', 'x'];
const ID = '0198c0de0000700080000000000000aa';

describe('exit codes', () => {
  it.each(['--help', 'help pay', 'pay --help', '--version', 'config check', 'config print', 'bench --help'])(
    '%s ends with 0 and says nothing on standard error',
    async (words) => {
      const ended = await sluice(words.split(' '));
      expect(ended).toMatchObject({ code: 0, errors: '' });
      expect(ended.output).not.toBe('');
    },
  );

  it.each([
    [[], /Usage: sluice/],
    [['account'], /Usage: sluice account/],
    [['paay'], /unknown command 'paay'\n\(Did you mean pay\?\)/],
    [['pay', 'alice'], /say FROM TO AMOUNT CURRENCY, or --qr PAYLOAD/],
    [['pay', 'alice', 'cafe', '4.50', 'EUR', '--nonsense'], /unknown option '--nonsense'/],
    [['pay', 'alice', 'cafe', '4,50', 'EUR', ...NOWHERE], /"4,50" is not an amount: write digits and one point/],
    [['pay', 'alice', 'cafe', '4.505', 'EUR', ...NOWHERE], /at most 2 decimals/],
    [['pay', 'alice', 'cafe', '4.50', 'EURO', ...NOWHERE], /"EURO" is not a currency/],
    [
      ['pay', 'alice', 'cafe', '4.50', 'EUR', '--url', 'ws://127.0.0.1:1'],
      /there is no API key: give one with --key-file/,
    ],
    [['account', 'show', 'alice', '--key-file', '/does/not/exist'], /the key file cannot be read/],
    [['account', 'show', 'alice', '--url', 'http://x', '--key', 'x'], /--url: .*ws/],
    [['account', 'create', 'x', '--currency', 'EUR', '--kind', 'king', ...NOWHERE], /"king" is not a kind/],
    [['account', 'create', 'X', '--currency', 'EUR', ...NOWHERE], /neither a name .* nor an id/],
    [['payment', 'list', '--state', 'lost', ...NOWHERE], /"lost" is not a state/],
    [['payment', 'list', '--limit', '0', ...NOWHERE], /the limit must be a whole number from 1 to 1000/],
    [['transfer', 'create', 'a', 'b', '1', 'EUR', '--timeout', '5', ...NOWHERE], /--timeout needs --pending/],
    [['transfer', 'create', 'a', 'b', '1', 'EUR', '--pending', '--void', ID, ...NOWHERE], /exclude each other/],
    [['key', 'create', '--label', 'x'], /required option '--institution <institution>' not specified/],
  ])('%j ends with 2 and says what to do', async (words, problem) => {
    const ended = await sluice(words);
    expect(ended.errors).toMatch(problem);
    expect(ended).toMatchObject({ code: 2, output: '' });
  });

  it.each([
    [['account', 'show', 'alice', ...NOWHERE], /there is no switch at ws:\/\/127\.0\.0\.1:1.*sluice serve --sandbox/],
    [['key', 'list', '--data-dir', '/does/not/exist'], /is not a data directory: give the right one with --data-dir/],
    [['restore', '/does/not/exist', '/tmp/never-made'], /does.not.exist/],
  ])('%j ends with 1', async (words, problem) => {
    const ended = await sluice(words);
    expect(ended.errors).toMatch(problem);
    expect(ended).toMatchObject({ code: 1, output: '' });
    expect(ended.errors).not.toMatch(/\n\s+at /);
  });

  it.each(['serve', 'config check', 'config print'])('%s ends with 78 and lists every problem', async (words) => {
    const dataDir = join(folder, 'never-made');
    const flags = ['--port', 'x', '--partitions', '0', '--data-dir', dataDir];
    const ended = await sluice([...words.split(' '), ...flags], { SLUICE_HSOT: 'x' });
    expect(ended).toMatchObject({ code: 78, output: '' });
    expect(ended.errors.split('\n')).toEqual([
      'error: bad configuration:',
      '  - unknown environment variable SLUICE_HSOT (did you mean SLUICE_HOST?)',
      '  - --port must be a whole number from 0 to 65535, not "x"',
      '  - --partitions must be a whole number from 1 to 64, not "0"',
      '',
    ]);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('--json', () => {
  it('makes one document of the configuration, with sources', async () => {
    const file = join(folder, 'sluice.yaml');
    writeFileSync(file, 'partitions: 4\n');
    const words = ['config', 'print', '--json', '--config', file, '--port', '7401'];
    const { output } = await sluice(words, { SLUICE_HOST: '::1' });
    expect(JSON.parse(output)).toMatchObject({
      partitions: { value: 4, source: 'file', variable: 'SLUICE_PARTITIONS', unit: 'partitions' },
      port: { value: 7401, source: 'flag' },
      host: { value: '::1', source: 'environment' },
      'tls-cert': { value: null, source: 'default' },
    });
  });

  it('tells programs about failures on standard output, and people on standard error', async () => {
    const checked = await sluice(['config', 'check', '--json', '--port', 'x']);
    expect(checked.code).toBe(78);
    expect(JSON.parse(checked.output)).toMatchObject({ ok: false, problems: [expect.stringContaining('--port')] });
    const failed = await sluice(['account', 'show', 'alice', '--json', ...NOWHERE]);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.output)).toMatchObject({ error: { message: expect.stringContaining('no switch') } });
    expect(failed.errors).toContain('no switch');
  });
});

describe('colours', () => {
  it('are never written to a pipe', async () => {
    const { errors } = await sluice(['pay', 'a', 'b', 'x', 'EUR', ...NOWHERE], { TERM: 'xterm-256color' });
    expect(errors).not.toContain('\u001b[');
  });
});

describe('keys', () => {
  it('are shown once, listed without their secret, and revoked', async () => {
    const dataDir = join(folder, 'keys');
    const where = ['--data-dir', dataDir];
    const created = await sluice(['key', 'create', '--institution', 'Corner Bank', '--label', 'till', ...where]);
    expect(created).toMatchObject({ code: 0, errors: expect.stringContaining('only time that the key is shown') });
    const [, id = '', secret = ''] = /^slk_([0-9a-f]{16})_(\S{43})\n$/.exec(created.output) ?? [];
    expect(id).not.toBe('');
    expect(statSync(join(dataDir, 'control')).mode & 0o077).toBe(0);

    const again = await sluice(['key', 'create', '--institution', 'Corner Bank', '--label', 'b', '--json', ...where]);
    expect(JSON.parse(again.output)).toMatchObject({ institution: 2, scopes: ['read', 'pay'], label: 'b' });

    expect(await sluice(['key', 'revoke', id, ...where])).toMatchObject({ code: 0, output: `Key ${id} is revoked.\n` });
    const listed = await sluice(['key', 'list', '--json', ...where]);
    expect(listed.output).not.toContain(secret);
    expect(JSON.parse(listed.output).keys[0]).toMatchObject({ id, revokedAtMs: expect.any(Number) });
    expect((await sluice(['key', 'list', ...where])).output).toMatch(/^ID +INSTITUTION +SCOPES +LABEL/);

    expect(await sluice(['key', 'revoke', 'feedfeedfeedfeed', ...where])).toMatchObject({ code: 1 });
    const unknown = ['key', 'create', '--institution', '9', '--label', 'x', ...where];
    expect(await sluice(unknown)).toMatchObject({
      code: 2,
      errors: expect.stringContaining('there is no institution 9'),
    });
    const scope = ['key', 'create', '--institution', '1', '--label', 'x', '--scopes', 'read,rule', ...where];
    expect(await sluice(scope)).toMatchObject({ code: 2, errors: expect.stringContaining('"rule" is not a scope') });
  });
});
