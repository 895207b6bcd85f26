/** What commands print: aligned tables for people, one JSON document for programs. */
import Table from 'cli-table3';

/** A column of a table; numbers are aligned to the right so that decimals stand below each other. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows below their titles, without lines. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const grid = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  grid.push(...rows.map((row) => [...row]));
  return trimmed(grid.toString());
}

/** Names with their values, one a line. */
export function details(entries: readonly (readonly [name: string, value: string])[]): string {
  const grid = new Table({ chars: BARE, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  grid.push(...entries.map(([name, value]) => [name, value]));
  return trimmed(grid.toString());
}

/** An indented JSON document; wide integers as decimal text. */
export function json(value: unknown): string {
  const replacer = (_: string, part: unknown): unknown => (typeof part === 'bigint' ? part.toString() : part);
  return `${JSON.stringify(value, replacer, 2)}\n`;
}

/** Bytes with one decimal of the largest unit that fits. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A point in time of the engine, in ISO 8601; `-` for none. */
export function formatTime(microseconds: bigint): string {
  return microseconds === 0n ? '-' : new Date(Number(microseconds / 1000n)).toISOString();
}

function trimmed(text: string): string {
  return `${text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
