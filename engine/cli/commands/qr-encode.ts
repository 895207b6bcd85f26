/** `sluice qr encode`: a code from options or a JSON file, as text or as an image. */
import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { decodeQr, type QrCode } from '../../../adapters/qr/codec/decode.ts';
import { documentOf } from '../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../adapters/qr/codec/encode.ts';
import type { QrResult } from '../../../adapters/qr/codec/findings.ts';
import { PROFILE_NAMES } from '../../../adapters/qr/codec/profiles.ts';
import { textOf } from '../../../adapters/qr/codec/text-of.ts';
import type { QrMatrix } from '../../../adapters/qr/image/matrix.ts';
import { readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command } from '../options.ts';
import { json } from '../output.ts';
import { type Terminal, wantsColour } from '../terminal.ts';
import { failWith, readBounded } from './qr.ts';

export const FORMATS = ['text', 'terminal', 'svg', 'png'] as const;
export type Format = (typeof FORMATS)[number];

/** Far more than the largest code takes as JSON. */
const JSON_BYTES_MAX = 1024 * 1024;
const SCALE_MAX = 100;

interface EncodeOptions {
  readonly json?: boolean;
  readonly jsonFile?: string;
  readonly payload?: string;
  readonly profile?: string;
  readonly merchantName?: string;
  readonly merchantCity?: string;
  readonly country?: string;
  readonly currency?: string;
  readonly mcc?: string;
  readonly postalCode?: string;
  readonly amount?: string;
  readonly tip?: string;
  readonly static?: boolean;
  readonly dynamic?: boolean;
  readonly field?: readonly string[];
  readonly format: Format;
  readonly scale: string;
  readonly output?: string;
}

export function registerQrEncode(qr: Command, terminal: Terminal): void {
  const encode = command(qr, 'encode', 'Write a code from options or JSON: as text, in the terminal, as SVG or PNG.', [
    'sluice qr encode --profile pix --field 26.01=fulano@example.com --merchant-name "Fulano de Tal" --merchant-city BRASILIA',
    'sluice qr decode PAYLOAD --json > code.json && sluice qr encode --json-file code.json',
    'sluice qr encode --profile upi --field pa=chai@bank --merchant-name "Chai Shop" --amount 20.00 --format terminal',
    'sluice qr encode --payload PAYLOAD --format svg --output code.svg',
  ]);
  encode
    .option('--json-file <file>', 'JSON with fields or names, such as "qr decode --json" prints.')
    .option('--payload <text>', 'A code that exists: to make an image of it.')
    .option('--profile <name>', `The scheme whose rules the code is kept to: ${PROFILE_NAMES.join(', ')}.`)
    .option('--merchant-name <text>', 'Field 59.')
    .option('--merchant-city <text>', 'Field 60.')
    .option('--postal-code <text>', 'Field 61.')
    .option('--country <code>', 'Two letters, field 58.')
    .option('--currency <code>', 'CNY or 156, field 53.')
    .option('--mcc <digits>', 'Merchant category, field 52.')
    .option('--amount <amount>', 'Field 54; without it the payer says how much.')
    .option('--tip <tip>', '"prompt", an amount as 5.00 or a share as 10%; fields 55 to 57.')
    .option('--static', 'For use again and again, field 01.')
    .option('--dynamic', 'For one payment, field 01.')
    .option('--field <path=value>', 'A field by its path, as 26.01=KEY; repeat it.', collect)
    .addOption(new Option('--format <format>', 'What is written.').choices(FORMATS).default('text'))
    .option('--scale <pixels>', `Pixels to a square of SVG and PNG, 1 to ${SCALE_MAX}.`, '8')
    .option('--output <file>', 'Write to a file. A PNG needs one.')
    .action((options: EncodeOptions) => run(options, terminal));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function run(options: EncodeOptions, terminal: Terminal): Promise<void> {
  const { format, output } = options;
  const asJson = options.json === true;
  if (format === 'png' && output === undefined) throw new UsageError('a PNG goes to a file: add --output FILE');
  const scale = readWhole(options.scale, 'the scale', 1, SCALE_MAX);
  const result = await encode(options);
  if (!result.ok) failWith(result.error, asJson, terminal);
  const payload = textOf(result.value);
  const hasColours = output === undefined && !asJson && wantsColour(terminal.output, terminal.environment);
  const drawn = await draw(payload, format, scale, hasColours);
  if (!drawn.ok) failWith(drawn.error, asJson, terminal);
  if (output !== undefined) await write(output, drawn.value);
  if (asJson) {
    const content = output === undefined && format !== 'text' ? String(drawn.value) : null;
    terminal.output.write(json({ payload, format, output: output ?? null, content, ...documentOf(result.value) }));
  } else {
    terminal.output.write(output === undefined ? String(drawn.value) : `Wrote ${output}.\n`);
  }
}

async function encode(options: EncodeOptions): Promise<QrResult<QrCode>> {
  const { payload, jsonFile, profile, field = [] } = options;
  const named = namesIn(options);
  const isDescribed = Object.keys(named).length > 0 || field.length > 0;
  if (payload !== undefined) {
    if (jsonFile !== undefined || isDescribed)
      throw new UsageError('--payload is the whole code: leave the others out');
    return decodeQr(payload, profile);
  }
  if (jsonFile === undefined && !isDescribed) {
    throw new UsageError(
      'say what the code shall hold: --json-file FILE, --payload TEXT, or --merchant-name, --field …',
    );
  }
  const file = jsonFile === undefined ? {} : await readJson(jsonFile);
  const before = isRecord(file.fields) ? file.fields : {};
  const fields = withFields(before, field);
  return encodeQr({ ...file, ...named, ...(profile === undefined ? {} : { profile }), fields });
}

type Json = Readonly<Record<string, unknown>>;

/** The options that name what a code says. */
function namesIn(options: EncodeOptions): Json {
  if (options.static === true && options.dynamic === true)
    throw new UsageError('a code is either --static or --dynamic');
  const { merchantName, merchantCity, postalCode, country, currency, mcc, amount } = options;
  const given = { merchantName, merchantCity, postalCode, country, currency, mcc, amount, tip: tipOf(options.tip) };
  const initiation = options.static === true ? 'static' : options.dynamic === true ? 'dynamic' : undefined;
  return Object.fromEntries(
    Object.entries({ ...given, pointOfInitiation: initiation }).filter(([, value]) => value !== undefined),
  );
}

function tipOf(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  if (text === 'prompt') return { kind: 'prompt' };
  return text.endsWith('%') ? { kind: 'percentage', percent: text.slice(0, -1) } : { kind: 'fixed', amount: text };
}

/** Puts `26.01=KEY` where it belongs. What the paths mean is checked by the codec. */
function withFields(before: Json, texts: readonly string[]): Json {
  const fields: Record<string, unknown> = structuredClone(before);
  for (const text of texts) {
    const equals = text.indexOf('=');
    const path = text.slice(0, Math.max(equals, 0)).split('.');
    const last = path.pop() ?? '';
    if (equals < 0 || !/^[\w-]+$/.test(last) || path.some((id) => !/^\d\d$/.test(id))) {
      throw new UsageError(`--field is written PATH=VALUE, for example 26.01=KEY, not "${text}"`);
    }
    let level = fields;
    for (const id of path) {
      const inner = Object.hasOwn(level, id) ? level[id] : undefined;
      const next = isRecord(inner) ? { ...inner } : {};
      level[id] = next;
      level = next;
    }
    level[last] = text.slice(equals + 1);
  }
  return fields;
}

async function readJson(path: string): Promise<Json> {
  const text = (await readBounded(path, JSON_BYTES_MAX)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isRecord(value)) throw new CommandFailure(`${path} does not hold a JSON object`);
  return value;
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The code in a format; text for all but PNG. */
export async function draw(
  payload: string,
  format: Format,
  scale: number,
  hasColours: boolean,
): Promise<QrResult<string | Buffer>> {
  if (format === 'text') return { ok: true, value: `${payload}\n` };
  const { makeMatrix } = await import('../../../adapters/qr/image/matrix.ts');
  const matrix: QrResult<QrMatrix> = makeMatrix(payload);
  if (!matrix.ok) return matrix;
  if (format === 'png') {
    const { toPng } = await import('../../../adapters/qr/image/png.ts');
    return toPng(matrix.value, scale);
  }
  if (format === 'svg') {
    const { toSvg } = await import('../../../adapters/qr/image/svg.ts');
    return { ok: true, value: toSvg(matrix.value, scale) };
  }
  const { toTerminal } = await import('../../../adapters/qr/image/terminal.ts');
  return { ok: true, value: toTerminal(matrix.value, hasColours) };
}

export async function write(path: string, content: string | Buffer): Promise<void> {
  try {
    await writeFile(path, content);
  } catch (error) {
    throw new CommandFailure(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
