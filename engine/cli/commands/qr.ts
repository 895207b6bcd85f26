/** `sluice qr decode|encode`: what payment codes say, and codes from what they shall say, without a switch; the other commands need one. */
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { decodeQr, KIND_NAMES, type QrCode } from '../../../adapters/qr/codec/decode.ts';
import { documentOf, type FieldTree, type QrDocument } from '../../../adapters/qr/codec/document.ts';
import { fieldName } from '../../../adapters/qr/codec/field-names.ts';
import type { QrError, QrResult } from '../../../adapters/qr/codec/findings.ts';
import { PROFILE_NAMES } from '../../../adapters/qr/codec/profiles.ts';
import { ledgerName } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { details, json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { registerQrEncode } from './qr-encode.ts';
import { registerQrMerchants } from './qr-merchants.ts';
import { registerQrShow } from './qr-show.ts';

interface DecodeOptions {
  readonly json?: boolean;
  readonly profile?: string;
  readonly image?: string;
}

export function registerQr(program: Command, terminal: Terminal): void {
  const qr = group(program, 'qr', 'Read and write payment codes: EMVCo, national schemes, UPI, one-time codes.');
  command(qr, 'decode [payload]', 'Show what a code says, or what is wrong with it and where.', [
    'sluice qr decode 00020101021129370016A000000677010111011300668012345675802TH530376463046197',
    "sluice qr decode 'upi://pay?pa=chai@bank&pn=Chai%20Shop&am=20.00' --json",
    'sluice qr decode --image code.png --profile emvco',
  ])
    .option(
      '--profile <name>',
      `Keep the code to the rules of this scheme, instead of its own: ${PROFILE_NAMES.join(', ')}.`,
    )
    .option('--image <file>', 'Read the code out of a PNG image.')
    .action((payload: string | undefined, options: DecodeOptions) => decode(payload, options, terminal));
  registerQrEncode(qr, terminal);
  registerQrShow(qr, terminal);
  registerQrMerchants(qr, terminal);
}

async function decode(payload: string | undefined, options: DecodeOptions, terminal: Terminal): Promise<void> {
  if ((payload === undefined) === (options.image === undefined)) {
    throw new UsageError('give either the text of a code or --image FILE');
  }
  const text =
    options.image === undefined ? { ok: true as const, value: payload ?? '' } : await readImage(options.image);
  const result: QrResult<QrCode> = text.ok ? decodeQr(text.value, options.profile) : text;
  if (!result.ok) failWith(result.error, options.json === true, terminal);
  const document = documentOf(result.value);
  terminal.output.write(options.json === true ? json(document) : describe(document));
}

/** Ends the command with what is wrong with a code. */
export function failWith(error: QrError, asJson: boolean, terminal: Terminal): never {
  if (asJson) terminal.output.write(json({ valid: false, error }));
  const field = error.path === '' ? '' : `field ${error.path}, `;
  throw new CommandFailure(`${error.message} (${field}character ${error.offset}: ${error.code})`, {}, asJson);
}

async function readImage(path: string): Promise<QrResult<string>> {
  const { IMAGE_BYTES_MAX, readPng } = await import('../../../adapters/qr/image/png.ts');
  return readPng(await readBounded(path, IMAGE_BYTES_MAX));
}

/** Reads a file that may not be larger than so many bytes. */
export async function readBounded(path: string, bytesMax: number): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size <= bytesMax) return await readFile(path);
    throw new CommandFailure(`${path} has ${size} bytes; at most ${bytesMax} are read`);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describe(document: QrDocument): string {
  const { kind, profile, pointOfInitiation, amount, currency, merchantName, merchantCity, country, warnings } =
    document;
  const money = currency === null ? '-' : `${amount ?? 'the payer says'} ${ledgerName(Number(currency))}`;
  const place = [merchantCity, country].filter((part) => part !== null).join(', ');
  const head = details([
    ['code', `${KIND_NAMES[kind]}, profile ${profile}`],
    ['used', pointOfInitiation ?? '-'],
    ['merchant', [merchantName ?? '-', ...(place === '' ? [] : [`(${place})`])].join(' ')],
    ['amount', money],
  ]);
  const rows = pathsIn(document.fields, document.order).map(([path, value]) => {
    return [path, kind === 'merchant' ? fieldName(path) : '', value];
  });
  const fields = table([{ title: 'FIELD' }, { title: 'MEANING' }, { title: 'VALUE' }], rows);
  const notes = warnings.map(({ offset, message }) => `warning: ${message} (character ${offset})\n`).join('');
  return `${head}\n${fields}${notes === '' ? '' : `\n${notes}`}`;
}

/** Every value with its path: those that the order names in that order. */
function pathsIn(fields: FieldTree, order: readonly string[]): readonly (readonly [string, string])[] {
  const found = flatten(fields, '');
  const place = ([path]: readonly [string, string]): number => {
    const at = order.indexOf(path);
    return at >= 0 ? at : order.indexOf(path.split('.')[0] ?? '');
  };
  return [...found].sort((one, other) => place(one) - place(other));
}

function flatten(fields: FieldTree, parent: string): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([id, value]): readonly (readonly [string, string])[] => {
    const path = parent + id;
    if (typeof value === 'string') return [[path, value]];
    const inner = Array.isArray(value) ? (value as readonly FieldTree[]) : [value as FieldTree];
    return inner.flatMap((one) => flatten(one, `${path}.`));
  });
}
