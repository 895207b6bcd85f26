// `sluice qr`: the documents it prints, its exit codes, its files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../engine/cli/program.ts';
import { KNOWN_CONSUMER, KNOWN_PAYLOADS } from '../../adapters/qr/codec/known-payloads.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-qr-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function qr(...words: string[]) {
  let output = '';
  let errors = '';
  const code = await run(['qr', ...words], {
    output: { write: (text) => (output += text), columns: 100 },
    errors: { write: (text) => (errors += text), columns: 100 },
    environment: { NO_COLOR: '1' },
  });
  return { code, output, errors };
}

function path(name: string, content?: string | Buffer): string {
  const file = join(directory, name);
  if (content !== undefined) writeFileSync(file, content);
  return file;
}

describe('sluice qr decode', () => {
  it.each(KNOWN_PAYLOADS)('$name as JSON', async ({ text, profile, says, fields }) => {
    const { code, output, errors } = await qr('decode', text, '--json');
    expect([code, errors]).toEqual([0, '']);
    const { pointOfInitiation, amount, currency, merchantName, merchantCity, mcc, crc } = says;
    const wanted = {
      valid: true,
      profile,
      pointOfInitiation,
      amount,
      currency,
      merchantName,
      merchantCity,
      mcc,
      crc,
      fields,
    };
    const document = JSON.parse(output);
    expect(document).toMatchObject(wanted);
    expect(document.fields).toEqual(fields);
    expect(Array.isArray(document.warnings)).toBe(true);
  });

  it('a bad code as JSON: what, where, and exit code 1', async () => {
    const text = KNOWN_PAYLOADS[2]!.text.replace('123.45', '123,45');
    const { code, output, errors } = await qr('decode', text, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(output)).toEqual({
      valid: false,
      error: { code: 'crcMismatch', path: '63', offset: text.length - 4, message: expect.stringContaining('45C8') },
    });
    expect(errors).toContain('checksum');
  });

  it('in words', async () => {
    const { code, output } = await qr('decode', KNOWN_PAYLOADS[4]!.text);
    expect(code).toBe(0);
    expect(output).toMatch(/^code +a merchant-presented code, profile vietqr\n/);
    expect(output).toMatch(/\namount +120000 VND\n/);
    expect(output).toMatch(/\n38\.01\.01 +0011001932418\n/);
    expect(output).toMatch(/\nwarning: field 52, the category of the merchant, is missing \(character \d+\)\n/);
    const bad = await qr('decode', 'hello');
    expect([bad.code, bad.output]).toEqual([1, '']);
    expect(bad.errors).toMatch(/^error: this is no payment code.*\(character 0: unknownFormat\)\n$/);
  });

  it('shows no card data', async () => {
    for (const words of [[], ['--json']]) {
      const { code, output } = await qr('decode', KNOWN_CONSUMER, ...words);
      expect(code).toBe(0);
      expect(output).toContain('123456******3458');
      expect(output).not.toMatch(/1234567890123458|1911220/);
    }
  });

  it('kept to a profile', async () => {
    const { code, output } = await qr('decode', KNOWN_PAYLOADS[3]!.text, '--profile', 'emvco', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(output)).toMatchObject({ valid: false, error: { code: 'missingField', path: '52' } });
    expect((await qr('decode', KNOWN_PAYLOADS[3]!.text, '--profile', 'promptpay')).code).toBe(0);
    expect((await qr('decode', KNOWN_PAYLOADS[3]!.text, '--profile', 'venmo')).errors).toContain(
      'there is no profile "venmo"',
    );
  });

  it.each([[[]], [['x', '--image', 'y']]])('of %j is a mistake in calling', async (words) => {
    expect((await qr('decode', ...words)).code).toBe(2);
  });

  it('of an image that is not there, none, or without a code', async () => {
    expect((await qr('decode', '--image', path('none.png'))).errors).toContain('cannot be read');
    const { code, output } = await qr('decode', '--json', '--image', path('text.png', 'hello'));
    expect([code, JSON.parse(output).error.code]).toEqual([1, 'badImage']);
    expect((await qr('decode', '--image', path('large.png', Buffer.alloc(9_000_000)))).errors).toContain('at most');
  });
});

describe('sluice qr encode', () => {
  it.each(KNOWN_PAYLOADS)('$name out of its JSON is the same, byte for byte', async ({ text }) => {
    const file = path('code.json', (await qr('decode', text, '--json')).output);
    expect(await qr('encode', '--json-file', file)).toEqual({ code: 0, output: `${text}\n`, errors: '' });
  });

  it('from options', async () => {
    const names = ['--merchant-name', '咖啡', '--merchant-city', '北京', '--country', 'CN', '--currency', 'CNY'];
    const own = ['--profile', 'sluice', '--field', '26.01=S', '--field', '26.02=cafe', '--field', '26.03=2'];
    const more = ['--mcc', '5812', '--postal-code', '100000', '--amount', '12.50', '--tip', '10%', '--static'];
    const made = await qr('encode', ...names, ...own, ...more);
    expect([made.code, made.errors]).toEqual([0, '']);
    const { output } = await qr('decode', made.output.trimEnd(), '--json');
    expect(JSON.parse(output)).toMatchObject({
      profile: 'sluice',
      pointOfInitiation: 'static',
      amount: '12.50',
      amountMinor: 1250,
      currency: '156',
      merchantName: '咖啡',
      merchantCity: '北京',
      postalCode: '100000',
      mcc: '5812',
      tip: { kind: 'percentage', percent: '10', basisPoints: 1000 },
      fields: { '26': { '00': 'com.sluice.pay', '01': 'S', '02': 'cafe', '03': '2' } },
      warnings: [],
    });
  });

  it.each([
    ['5.00', { kind: 'fixed', amount: '5.00', amountMinor: 500 }],
    ['prompt', { kind: 'prompt' }],
  ])('with the tip %s, for one payment', async (tip, said) => {
    const account = ['--profile', 'pix', '--field', '26.01=key', '--merchant-name', 'A', '--merchant-city', 'B'];
    const { output } = await qr('encode', ...account, '--tip', tip, '--dynamic', '--json');
    expect(JSON.parse(output)).toMatchObject({
      format: 'text',
      output: null,
      content: null,
      tip: said,
      pointOfInitiation: 'dynamic',
    });
  });

  it('as PNG and back', async () => {
    const { text } = KNOWN_PAYLOADS[0]!;
    const file = path('code.png');
    expect(await qr('encode', '--payload', text, '--format', 'png', '--output', file)).toMatchObject({
      code: 0,
      output: `Wrote ${file}.\n`,
    });
    const { code, output } = await qr('decode', '--image', file, '--json');
    expect([code, JSON.parse(output).crc]).toEqual([0, 'A13A']);
    expect((await qr('encode', '--payload', text, '--format', 'png')).code).toBe(2);
    expect(
      (await qr('encode', '--payload', text, '--format', 'png', '--scale', '100', '--output', file)).errors,
    ).toContain('imageTooLarge');
  });

  it('as SVG and in the terminal', async () => {
    const { text } = KNOWN_PAYLOADS[3]!;
    const file = path('code.svg');
    await qr('encode', '--payload', text, '--format', 'svg', '--output', file, '--scale', '3');
    const drawn = readFileSync(file, 'utf8');
    expect(drawn).toMatch(/^<svg .*width="135".*<\/svg>\n$/);
    const { output } = await qr('encode', '--payload', text, '--format', 'svg', '--scale', '3', '--json');
    expect(JSON.parse(output)).toMatchObject({
      payload: text,
      format: 'svg',
      output: null,
      content: drawn,
      profile: 'promptpay',
    });
    const shown = await qr('encode', '--payload', text, '--format', 'terminal');
    expect(shown.output.split('\n')).toHaveLength(24);
    expect(shown.output).toMatch(/^█{45}\n/);
  });

  it('what cannot be paid is not written', async () => {
    const file = path('unwritten.svg');
    const made = await qr(
      'encode',
      '--profile',
      'pix',
      '--merchant-name',
      'A',
      '--json',
      '--format',
      'svg',
      '--output',
      file,
    );
    expect(made.code).toBe(1);
    expect(JSON.parse(made.output)).toMatchObject({ valid: false, error: { code: 'profileMismatch' } });
    expect(() => readFileSync(file)).toThrow();
  });

  it.each<readonly [words: readonly string[], code: number, errors: RegExp]>([
    [[], 2, /say what the code shall hold/],
    [['--payload', 'x', '--amount', '1'], 2, /leave the others out/],
    [['--payload', 'x'], 1, /no payment code/],
    [['--static', '--dynamic'], 2, /either/],
    [['--field', '26.01'], 2, /PATH=VALUE/],
    [['--field', '=x'], 2, /PATH=VALUE/],
    [['--field', '2x.01=x'], 2, /PATH=VALUE/],
    [['--merchant-name', 'A', '--scale', '0'], 2, /scale/],
    [['--merchant-name', 'A', '--format', 'gif'], 2, /text, terminal, svg, png/],
    [['--json-file', '/nowhere/code.json'], 1, /cannot be read/],
    [['--payload', '100000000000000000', '--output', '/nowhere/code.txt'], 1, /cannot be written/],
  ])('%j ends with %d', async (words, code, errors) => {
    const made = await qr('encode', ...words);
    expect(made.code).toBe(code);
    expect(made.errors).toMatch(errors);
  });

  it('of a file that is no JSON, or no object', async () => {
    expect((await qr('encode', '--json-file', path('bad.json', '{'))).errors).toContain('is not JSON');
    expect((await qr('encode', '--json-file', path('list.json', '[]'))).errors).toContain(
      'does not hold a JSON object',
    );
  });

  it('a field of the command line goes over that of the file', async () => {
    const file = path(
      'over.json',
      JSON.stringify({
        profile: 'pix',
        merchantName: 'A',
        merchantCity: 'B',
        fields: { '26': { '01': 'old', '02': 'note' } },
      }),
    );
    const { output } = await qr('encode', '--json-file', file, '--field', '26.01=new');
    expect(output).toContain('0103new0204note');
  });
});
