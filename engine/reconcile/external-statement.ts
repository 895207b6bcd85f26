/** Somebody else's statement, read from CSV with a header. Which column is what is found by its name, or said by a map. */
import { parseAmount } from '../cli/amount.ts';
import { CsvError, type CsvRecord, readCsv } from './csv.ts';

export type Direction = 'debit' | 'credit';

/** One row. What it says of the amount and direction is as our account would show it. */
export interface ExternalRow {
  /** Line of the file on which it begins. */
  readonly line: number;
  /** As it stands, trimmed; empty when there is none. */
  readonly reference: string;
  /** Day in UTC, counted from 1970-01-01. */
  readonly day: number;
  readonly direction: Direction;
  /** Minor units. */
  readonly amount: bigint;
}

/** Names of columns. */
export const COLUMN_ROLES = ['reference', 'date', 'amount', 'direction', 'type'] as const;
export type ColumnRole = (typeof COLUMN_ROLES)[number];
export type ColumnMap = Readonly<Partial<Record<ColumnRole, string>>>;

export interface ReadOptions {
  readonly columns: ColumnMap;
  /** Decimals of the account's currency. */
  readonly minorUnits: number;
  /** The statement is of the other side of the account: its debits are our credits. */
  readonly isMirrored: boolean;
  /** Left out: a comma. */
  readonly separator?: string;
}

/** Rows that are read at most. */
export const ROWS_MAX = 200_000;

/** What a column may be called when the map does not say. */
const USUAL: Readonly<Record<ColumnRole, readonly string[]>> = {
  reference: ['reference', 'id', 'transfer', 'transaction id'],
  date: ['date', 'booking date', 'value date'],
  amount: ['amount'],
  direction: ['direction', 'debit/credit'],
  type: ['type'],
};
const OPTIONAL: readonly ColumnRole[] = ['reference', 'direction', 'type'];
const DEBITS = ['debit', 'debits', 'dr', 'd', 'out', '-'];
const CREDITS = ['credit', 'credits', 'cr', 'c', 'in', '+'];
/** Rows of our own statements that are no bookings. */
const NO_BOOKINGS = ['opening', 'closing'];

/** The bookings of a statement. Throws CsvError that names the line. */
export function readExternal(text: string, options: ReadOptions): ExternalRow[] {
  const records = readCsv(text, options.separator);
  const first = records.next();
  if (first.done === true) throw new CsvError(1, 1, 'the file is empty: its first line must name the columns');
  const header = first.value;
  const places = findColumns(header, options.columns);
  const rows: ExternalRow[] = [];
  for (const record of records) {
    const { line, fields } = record;
    if (fields.length !== header.fields.length) {
      throw new CsvError(line, 1, `${fields.length} fields, where the header names ${header.fields.length}`);
    }
    const type = textAt(fields, places.type).toLowerCase();
    if (NO_BOOKINGS.includes(type)) continue;
    if (rows.length === ROWS_MAX) throw new CsvError(line, 1, `more than ${ROWS_MAX} rows: split the file`);
    rows.push(rowOf(record, places, options));
  }
  return rows;
}

type Places = Readonly<Record<ColumnRole, number>>;

function findColumns({ line, fields }: CsvRecord, map: ColumnMap): Places {
  const names = fields.map((name) => name.trim().toLowerCase());
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0) throw new CsvError(line, 1, `two columns are called "${fields[twice]}"`);
  const place = (role: ColumnRole): number => {
    const said = map[role]?.toLowerCase();
    const at = said === undefined ? names.findIndex((name) => USUAL[role].includes(name)) : names.indexOf(said);
    if (at < 0 && (said !== undefined || !OPTIONAL.includes(role))) {
      throw new CsvError(line, 1, `no column for the ${role}: map it, for example ${role}=${fields[0] || 'NAME'}`);
    }
    return at;
  };
  return {
    reference: place('reference'),
    date: place('date'),
    amount: place('amount'),
    direction: place('direction'),
    type: place('type'),
  };
}

function rowOf({ line, fields }: CsvRecord, places: Places, options: ReadOptions): ExternalRow {
  const fail = (role: ColumnRole, problem: string): CsvError => {
    return new CsvError(line, 1, `${role} (column ${places[role] + 1} of the table): ${problem}`);
  };
  const day = dayOf(textAt(fields, places.date));
  if (day === undefined) throw fail('date', `"${textAt(fields, places.date)}" is not a day as 2026-01-31`);
  const written = textAt(fields, places.amount);
  const isNegative = written.startsWith('-');
  const parsed = parseAmount(written.replace(/^[+-]/, ''), options.minorUnits);
  if (!parsed.ok) throw fail('amount', parsed.problem);
  const said = directionOf(textAt(fields, places.direction));
  if (places.direction >= 0 && said === undefined) {
    throw fail('direction', `"${textAt(fields, places.direction)}" is neither debit nor credit`);
  }
  // Without a direction the sign tells it; with one, a sign turns it round: a negative debit gives money back.
  const isDebit = said === undefined ? isNegative : (said === 'debit') !== isNegative;
  return {
    line,
    reference: textAt(fields, places.reference),
    day,
    direction: isDebit !== options.isMirrored ? 'debit' : 'credit',
    amount: parsed.minor,
  };
}

function textAt(fields: readonly string[], place: number): string {
  return (fields[place] ?? '').trim();
}

function directionOf(text: string): Direction | undefined {
  const word = text.toLowerCase();
  if (DEBITS.includes(word)) return 'debit';
  return CREDITS.includes(word) ? 'credit' : undefined;
}

/** A day, or a time with its offset, as days from 1970 in UTC. */
function dayOf(text: string): number | undefined {
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
  const ms = form.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) return undefined;
  // 31 February is a day in March to Date.
  const isReal = text.length > 10 || new Date(ms).toISOString().startsWith(text);
  return isReal ? Math.floor(ms / 86_400_000) : undefined;
}
