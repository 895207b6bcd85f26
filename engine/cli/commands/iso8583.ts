/** `sluice iso8583 decode|encode|specs`: card messages as people read them. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { type CompiledSpec, compileSpec } from '../../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage } from '../../../adapters/terminal/iso8583/decode.ts';
import type { Message } from '../../../adapters/terminal/iso8583/message.ts';
import { describeProblem } from '../../../adapters/terminal/iso8583/problem.ts';
import { SHIPPED_SPECS, shippedSpec } from '../../../adapters/terminal/iso8583/shipped-specs.ts';
import { readSpecFile } from '../../../adapters/terminal/iso8583/spec-file.ts';
import { messageOf, type ViewValue, viewFields } from '../../../adapters/terminal/iso8583/view.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface DecodeOptions {
  readonly spec: string;
  readonly hex: string;
  readonly unmasked?: boolean;
  readonly framed?: boolean;
  readonly json?: boolean;
}

interface EncodeOptions {
  readonly spec: string;
  readonly jsonFile: string;
  readonly json?: boolean;
}

const SPEC_HELP = 'A specification that ships (see "sluice iso8583 specs"), or a JSON file with one.';

export function registerIso8583(program: Command, terminal: Terminal): void {
  const iso8583 = group(program, 'iso8583', 'Card messages (ISO 8583): decode, encode, list the specifications.');

  command(iso8583, 'decode', 'Show what is in a message; secret fields are masked.', [
    'sluice iso8583 decode --spec iso87-bcd --hex 08008220000000000000040000000000000004200906139000010301',
    'sluice iso8583 decode --spec peer.json --hex "$(xxd -p -c 0 message.bin)" --framed --json',
  ])
    .requiredOption('--spec <name>', SPEC_HELP)
    .requiredOption('--hex <bytes>', 'The message in hex; spaces are skipped.')
    .option('--framed', 'The message begins with its length in 2 bytes.')
    .option('--unmasked', 'Show card number, tracks and PIN block as they are.')
    .action((options: DecodeOptions) => decode(options, terminal));

  command(iso8583, 'encode', 'Print the bytes of a message in hex.', [
    'sluice iso8583 encode --spec iso87-bcd --json-file message.json',
  ])
    .requiredOption('--spec <name>', SPEC_HELP)
    .requiredOption('--json-file <file>', 'What decode --json --unmasked prints: {"mti":"0800","fields":{"70":"301"}}.')
    .action((options: EncodeOptions) => encode(options, terminal));

  command(iso8583, 'specs', 'List the specifications that ship with the switch.', ['sluice iso8583 specs']).action(
    (options: { json?: boolean }) => {
      const specs = SHIPPED_SPECS.map((name) => ({ name, description: shippedSpec(name)?.description ?? '' }));
      const rows = specs.map(({ name, description }) => [name, description]);
      terminal.output.write(
        options.json === true ? json(specs) : table([{ title: 'NAME' }, { title: 'DESCRIPTION' }], rows),
      );
    },
  );
}

function decode({ spec: name, hex, unmasked, framed, json: asJson }: DecodeOptions, terminal: Terminal): void {
  const spec = readSpec(name);
  const bytes = unframed(readHex(hex), framed === true);
  const result = decodeMessage(spec, bytes);
  const { message } = result;
  const fields = viewFields(message, unmasked === true);
  if (result.ok) {
    terminal.output.write(asJson === true ? `${jsonText({ mti: message.mti, fields }, '')}\n` : shown(message, fields));
    return;
  }
  const { problem } = result;
  const text = `the message cannot be read: ${describeProblem(problem)}`;
  const error = { message: text, ...problem };
  terminal.output.write(
    asJson === true ? `${jsonText({ error, mti: message.mti, fields }, '')}\n` : shown(message, fields),
  );
  throw new CommandFailure(text, {}, true);
}

function encode({ spec: name, jsonFile, json: asJson }: EncodeOptions, terminal: Terminal): void {
  const spec = readSpec(name);
  const document = readDocument(jsonFile, true);
  const mti: unknown = document instanceof Map ? document.get('mti') : undefined;
  const fields: unknown = document instanceof Map ? document.get('fields') : undefined;
  if (typeof mti !== 'string' || !(fields instanceof Map)) {
    throw new UsageError(
      `${jsonFile} must hold {"mti": "0800", "fields": {"7": "0420090613"}}, with strings as values`,
    );
  }
  const made = messageOf(spec, mti, fields);
  if (!made.ok) {
    const { field, expected, found } = made.problem;
    throw new CommandFailure(`field ${field}: expected ${expected}, found ${found}`, { ...made.problem });
  }
  const encoded = made.message.encode();
  if (!encoded.ok) throw new CommandFailure(describeProblem(encoded.problem), { ...encoded.problem });
  const hex = encoded.bytes.toString('hex').toUpperCase();
  terminal.output.write(asJson === true ? json({ hex }) : `${hex}\n`);
}

function readSpec(name: string): CompiledSpec {
  let data = shippedSpec(name);
  if (data === undefined) {
    const read = readSpecFile(
      readDocument(name, false, `${name} is neither one of ${SHIPPED_SPECS.join(', ')} nor a file`),
      shippedSpec,
    );
    if (!read.ok) throw new UsageError(mistakesIn(name, read.mistakes));
    data = read.spec;
  }
  const compiled = compileSpec(data);
  if (!compiled.ok) throw new UsageError(mistakesIn(name, compiled.mistakes));
  return compiled.spec;
}

function mistakesIn(name: string, mistakes: readonly { readonly path: string; readonly message: string }[]): string {
  return `the specification ${name} has mistakes:\n${mistakes.map(({ path, message }) => `  ${path === '' ? 'file' : path}: ${message}`).join('\n')}`;
}

/** Parsed JSON. As maps, since objects would put the tag 95 before 9F02. */
function readDocument(file: string, asMaps: boolean, missing = `${file} cannot be read`): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(missing);
  }
  try {
    return parse(text, { mapAsMap: asMaps });
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function readHex(text: string): Buffer {
  const digits = text.replace(/\s+/g, '');
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) {
    throw new UsageError(`--hex must be an even number of hex digits, found ${digits.length} characters`);
  }
  return Buffer.from(digits, 'hex');
}

function unframed(bytes: Buffer, isFramed: boolean): Buffer {
  if (!isFramed) return bytes;
  const said = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  if (bytes.length < 2 || said !== bytes.length - 2) {
    throw new CommandFailure(`the frame says ${said} bytes, found ${Math.max(bytes.length - 2, 0)} after it`);
  }
  return bytes.subarray(2);
}

type Printable = ViewValue | number | { readonly [key: string]: Printable };

/** Like JSON.stringify, which would put the tags of a map nowhere and those of an object into another order. */
function jsonText(value: Printable, indent: string): string {
  if (typeof value === 'string' || typeof value === 'number') return JSON.stringify(value);
  const deeper = `${indent}  `;
  const entries: [string | undefined, Printable][] =
    value instanceof Map
      ? [...value]
      : Array.isArray(value)
        ? value.map((part) => [undefined, part])
        : Object.entries(value);
  const lines = entries.map(
    ([key, part]) => `${deeper}${key === undefined ? '' : `${JSON.stringify(key)}: `}${jsonText(part, deeper)}`,
  );
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function shown(message: Message, fields: ReadonlyMap<string, ViewValue>): string {
  const rows: string[][] = [['MTI', 'Message type', message.mti]];
  for (const [number, value] of fields) {
    const name = message.body.fields[Number(number)]?.name ?? '';
    if (value instanceof Map) {
      rows.push([number, name, '']);
      for (const [key, part] of value) rows.push([`${number}.${key}`, '', printable(part)]);
    } else {
      rows.push([number, name, printable(value)]);
    }
  }
  return table([{ title: 'FIELD' }, { title: 'NAME' }, { title: 'VALUE' }], rows);
}

/** Control characters would move the cursor. */
function printable(value: ViewValue): string {
  const text = value instanceof Map ? jsonText(value, '') : Array.isArray(value) ? value.join(', ') : String(value);
  return [...text]
    .map((c) => (c < ' ' || (c >= '\x7f' && c < '\xa0') ? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}` : c))
    .join('');
}
