/** The generated parts of protocol/README.md. What the fields mean is taken from the comments next to them. */
import { CodeDeviceStates } from '../../../protocol/payer-codes.ts';
import { CardFlags, CardProofs, CardStates, CardVerifications } from '../../../protocol/cards.ts';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../../protocol/commands.ts';
import { FrameFlags } from '../../../protocol/frame.ts';
import type { FieldTable, FieldType, Layout } from '../../../protocol/layout.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { HistoryFlags } from '../../../protocol/reading-records.ts';
import {
  AccountFlags,
  PaymentFlags,
  PaymentOperationFlags,
  PaymentOperations,
  PaymentStates,
  ResultFlags,
  TransferFlags,
} from '../../../protocol/records.ts';
import { RESULTS } from '../../../protocol/results.ts';
import { Channels, RiskContextFlags, Signals } from '../../../protocol/risk.ts';
import { readGolden } from './golden-file.ts';
import { BODIES, LAYOUTS } from './schema.ts';

const WIDTH: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8, u128: 16 };
const FLAGS = {
  FrameFlags,
  AccountFlags,
  TransferFlags,
  HistoryFlags,
  ResultFlags,
  PaymentFlags,
  PaymentOperationFlags,
  RiskContextFlags,
  CardFlags,
  CardProofs,
};
const EXAMPLES = [
  'hello',
  'ping with checksum',
  'one transfer',
  'a message that is refused as a whole',
  'a sale with a campaign and a reference',
];

export const README = new URL('../../../protocol/README.md', import.meta.url);

/** The page with every part between `<!-- generated: NAME -->` and `<!-- end -->` made anew. */
export function regenerated(page: string): string {
  const parts = sections();
  const made = page.replaceAll(
    /(<!-- generated: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, head: string, name: string, tail: string) => {
      const part = parts[name];
      if (part === undefined) throw new Error(`nothing generates ${name}`);
      delete parts[name];
      return `${head}\n${part}\n\n${tail}`;
    },
  );
  if (Object.keys(parts).length > 0) throw new Error(`the page has no place for ${Object.keys(parts).join(', ')}`);
  return made;
}

function sections(): Record<string, string> {
  const [header, refusal, ...records] = LAYOUTS;
  return {
    header: layoutTable(header!),
    refusal: layoutTable(refusal!),
    commands: commandTable(),
    records: records
      .map((shape) => `#### ${shape.name}: ${shape.size} bytes\n\n${summaryOf(shape.name)}\n\n${layoutTable(shape)}`)
      .join('\n\n'),
    flags: Object.entries(FLAGS)
      .map(([name, flags]) => `#### ${name}\n\n${table(['bit', 'value', 'name', 'meaning'], flagRows(name, flags))}`)
      .join('\n\n'),
    states: [
      table(
        ['value', 'state of a payment'],
        Object.entries(PaymentStates).map(([state, value]) => [value, state]),
      ),
      table(
        ['value', 'operation'],
        Object.entries(PaymentOperations).map(([operation, value]) => [value, operation]),
      ),
      table(
        ['value', 'channel of a payment'],
        Object.entries(Channels).map(([channel, value]) => [value, channel]),
      ),
      table(
        ['value', 'signal'],
        Object.entries(Signals).map(([signal, value]) => [value, signal]),
      ),
      table(
        ['value', 'state of a card'],
        Object.entries(CardStates).map(([state, value]) => [value, state]),
      ),
      table(
        ['value', 'verification of a holder'],
        Object.entries(CardVerifications).map(([verification, value]) => [value, verification]),
      ),
      table(
        ['value', 'state of a device that makes codes'],
        Object.entries(CodeDeviceStates).map(([state, value]) => [value, state]),
      ),
    ].join('\n\n'),
    bodies: Object.entries(BODIES)
      .map(
        ([name, fields]) =>
          `#### ${name}\n\n${table(
            ['key', 'value'],
            Object.entries(fields).map(([key, field]) => [`\`${key}\``, field.accepts]),
          )}`,
      )
      .join('\n\n'),
    results: table(
      ['code', 'name', 'retry', 'HTTP', 'DE39', 'message'],
      Object.entries(RESULTS).map(([name, row]) => [
        row.code,
        `\`${name}\``,
        row.retry,
        row.http,
        row.de39,
        `${row.en} ${row.zh}`,
      ]),
    ),
    limits: table(
      ['limit', 'value'],
      Object.entries(LIMITS).map(([name, value]) => [`\`${name}\``, value.toLocaleString('en-US')]),
    ),
    examples: EXAMPLES.map(example).join('\n\n'),
  };
}

function layoutTable(shape: Layout<FieldTable>): string {
  const notes = notesIn(blockOf(`layout('${shape.name}'`));
  const rows = Object.entries(shape.fields).map(([name, [offset, type]]) => {
    const note = notes.get(name) ?? (name.startsWith('reserved') ? 'zero' : '');
    return [offset, WIDTH[type], type, `\`${name}\``, note];
  });
  return table(['offset', 'bytes', 'type', 'field', ''], rows);
}

function commandTable(): string {
  const rows = Object.entries(COMMANDS).map(([name, { kind, body, recordBytes, scope, summary }]) => {
    const form = recordBytes === 0 ? body : `${body} of ${recordBytes}`;
    return [hexByte(kind), hexByte(kind | 0x80), `\`${name}\``, form, scope, summary];
  });
  return table(['request', 'reply', 'command', 'body', 'scope', ''], rows);
}

function flagRows(table: string, flags: Readonly<Record<string, number>>): (string | number)[][] {
  const notes = notesIn(blockOf(`export const ${table} =`));
  return Object.entries(flags).map(([name, value]) => [Math.log2(value), value, `\`${name}\``, notes.get(name) ?? '']);
}

function example(name: string): string {
  const vector = readGolden().find((golden) => golden.name === name);
  if (vector === undefined) throw new Error(`no golden vector ${name}`);
  const { request, reply, command } = vector;
  return `#### ${name === command ? name : `${command}: ${name}`}\n\nRequest:\n\n${dump(request.hex)}\n\nReply:\n\n${dump(reply.hex)}`;
}

/** 16 bytes a line, each line with its offset. */
function dump(hex: string): string {
  const lines = (hex.match(/.{1,32}/g) ?? []).map((line, index) => {
    const offset = (index * 16).toString(16).padStart(4, '0');
    return `    ${offset}  ${line.match(/../g)?.join(' ')}`;
  });
  return lines.join('\n');
}

const source = (['records', 'cancellation', 'reading-records', 'risk', 'cards', 'payer-codes', 'frame'] as const)
  .map((file) => readFileSync(new URL(`../../../protocol/${file}.ts`, import.meta.url), 'utf8'))
  .join('\n');

/** The lines of a table in the sources, from its name to its end. */
function blockOf(start: string): string {
  const at = source.indexOf(start);
  if (at < 0) throw new Error(`no ${start} in the sources`);
  return source.slice(at, source.indexOf('\n}', at));
}

function notesIn(block: string): Map<string, string> {
  const notes = block.matchAll(/\/\*\* (.*) \*\/\n\s+(\w+):/g);
  return new Map(Array.from(notes, ([, note = '', field = '']) => [field, note]));
}

/** The comment above a layout. */
function summaryOf(name: string): string {
  const before = source.slice(0, source.indexOf(`layout('${name}'`));
  const above = /\/\*\*([^/]*)\*\/\nexport const \w+ = $/.exec(before)?.[1] ?? '';
  return above.replaceAll(/\s*\n? \* ?/g, ' ').trim();
}

function hexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
