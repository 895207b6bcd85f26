/** `sluice reconcile`: somebody else's statement against the entries of an account. */
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import type { TransferEntry } from '../../../protocol/codecs/transfer-codec.ts';
import { currencyOfNumeric } from '../../../protocol/currencies.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { CsvError } from '../../reconcile/csv.ts';
import {
  COLUMN_ROLES,
  type ColumnMap,
  type ColumnRole,
  type ExternalRow,
  readExternal,
} from '../../reconcile/external-statement.ts';
import { ENTRIES_MAX, normalReference, type OwnEntry, type Report, reconcile } from '../../reconcile/reconcile.ts';
import { bookingOf } from '../../statement/statement.ts';
import { paymentOf } from '../../statement/write.ts';
import { formatMinor, ledgerName, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command } from '../options.ts';
import { details, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { readRange } from './account-reading.ts';

interface ReconcileOptions extends ConnectionOptions {
  readonly file: string;
  readonly currency?: string;
  readonly map?: string;
  readonly from?: string;
  readonly to?: string;
  readonly window: string;
  readonly separator: string;
  readonly mirrored?: boolean;
}

/** Days from 1970 in UTC; `to` is the first day that is not compared any more. */
interface Days {
  readonly from: number;
  readonly to: number;
}

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const PAGE_ENTRIES = 1000;
const MICROS_PER_DAY = 86_400_000_000;

export function registerReconcile(program: Command, terminal: Terminal): void {
  const reconcileCommand = command(
    program,
    'reconcile <account>',
    'Compare a statement (CSV with a header) with the entries of an account: what matches, what is missing on either side, other amounts, duplicates. Ends with 1 when something differs.',
    [
      'sluice reconcile cafe --file bank-january.csv --from 2026-01-01 --to 2026-02-01',
      'sluice reconcile alice --currency EUR --file bank.csv --map reference="Our ref",date=Booked,amount=Sum --json',
    ],
  );
  addConnectionOptions(reconcileCommand)
    .requiredOption('--file <file>', 'The statement: CSV in UTF-8 with a header, at most 64 MiB and 200,000 rows.')
    .option('--map <columns>', `Which column is what: role=NAME,… with the roles ${COLUMN_ROLES.join(', ')}.`)
    .option('--currency <code>', 'Which account of a name; needed when it has several.')
    .option('--from <day>', 'Compare from this day (UTC) on; left out: from the first day of the file.')
    .option(
      '--to <day>',
      'Compare up to this day, itself not included; left out: the last day of the file is the last.',
    )
    .option('--window <days>', 'How far apart a row and an entry may be that only their amount brings together.', '3')
    .option('--separator <character>', 'What separates fields.', ',')
    .option('--mirrored', 'The statement is of the other side: its debits are credits of the account.')
    .action((text: string, options: ReconcileOptions) => run(text, options, terminal));
}

function run(text: string, options: ReconcileOptions, terminal: Terminal): Promise<void> {
  const columns = readMap(options.map);
  const windowDays = readWhole(options.window, 'the window', 0, 31);
  const { separator } = options;
  if (separator.length !== 1 || /["\r\n]/.test(separator)) throw new UsageError('--separator must be one character');
  const range = readRange(options);
  const csv = readFile(options.file);
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    const now = await client.balancesAt({ accountId });
    expectOk(now, terminal);
    const minorUnits = currencyOfNumeric(now.ledger)?.minorUnits ?? 0;
    const isMirrored = options.mirrored === true;
    const all = parsed(options.file, () => readExternal(csv, { columns, minorUnits, isMirrored, separator }));
    const days = daysOf(all, range);
    const rows = all.filter(({ day }) => day >= days.from && day < days.to);
    const entries = await ownEntries(client, accountId, days, windowDays, terminal);
    const whole = reconcile(rows, entries, windowDays);
    const isIn = ({ day }: OwnEntry): boolean => day >= days.from && day < days.to;
    // Entries around the days that are compared are there to be matched, not to be missed.
    const report = {
      ...whole,
      missingThere: whole.missingThere.filter(isIn),
      duplicateHere: whole.duplicateHere.filter(isIn),
    };
    const differences = countOf(report);
    terminal.output.write(
      options.json === true
        ? json(reportJson(report, { accountId, ledger: now.ledger, days, rows: rows.length }))
        : reportText(report, now.ledger),
    );
    if (differences > 0)
      throw new CommandFailure(`the statement and the account differ in ${differences} places`, {}, true);
  });
}

function readMap(text: string | undefined): ColumnMap {
  const map: Partial<Record<ColumnRole, string>> = {};
  for (const pair of text?.split(',') ?? []) {
    const equals = pair.indexOf('=');
    const role = COLUMN_ROLES.find((known) => known === pair.slice(0, Math.max(equals, 0)).trim());
    const name = pair.slice(equals + 1).trim();
    if (role === undefined || name === '' || map[role] !== undefined) {
      throw new UsageError(`--map: "${pair}" is not role=NAME with a role of ${COLUMN_ROLES.join(', ')}, each once`);
    }
    map[role] = name;
  }
  return map;
}

function readFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) throw new UsageError(`${path} has ${size} bytes; 64 MiB are read at most: split it`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CsvError) throw new UsageError(`${path}, ${error.message}`);
    throw error;
  }
}

function daysOf(rows: readonly ExternalRow[], { from, to }: { readonly from?: bigint; readonly to?: bigint }): Days {
  const dayOf = (micros: bigint): number => Number(micros / BigInt(MICROS_PER_DAY));
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { day } of rows) {
    first = Math.min(first, day);
    last = Math.max(last, day);
  }
  if (rows.length === 0 && (from === undefined || to === undefined)) {
    throw new UsageError('the statement has no rows: say which days to compare, with --from and --to');
  }
  return { from: from === undefined ? first : dayOf(from), to: to === undefined ? last + 1 : dayOf(to) };
}

/** What was posted on the account on these days, and in the window around them. */
async function ownEntries(
  client: SluiceClient,
  accountId: Id,
  days: Days,
  windowDays: number,
  terminal: Terminal,
): Promise<OwnEntry[]> {
  const from = BigInt(Math.max(0, days.from - windowDays)) * BigInt(MICROS_PER_DAY);
  const to = BigInt(Math.max(1, days.to + windowDays)) * BigInt(MICROS_PER_DAY);
  const found: OwnEntry[] = [];
  let cursor = 0n;
  do {
    const page = await client.queryHistory({ accountId, from, to, cursor, limit: PAGE_ENTRIES, order: 'oldestFirst' });
    expectOk(page, terminal);
    const references = await referencesOf(client, page.entries);
    for (const entry of page.entries) {
      const own = ownEntry(entry, accountId, references);
      if (own !== undefined) found.push(own);
    }
    if (found.length > ENTRIES_MAX) {
      throw new CommandFailure(`more than ${ENTRIES_MAX} entries: compare fewer days with --from and --to`);
    }
    cursor = page.nextCursor;
  } while (cursor !== 0n);
  return found;
}

/** The references of the payments that these entries are legs of, by the payment's id. */
async function referencesOf(client: SluiceClient, entries: readonly TransferEntry[]): Promise<Map<string, string>> {
  const legs = entries.filter((entry) => paymentOf(entry) !== undefined);
  const ids = [...new Set(legs.map(({ transfer }) => transfer.userData128))];
  const views = ids.length === 0 ? [] : await client.lookupPayments(ids);
  const named = views.flatMap(({ view }) => (view === undefined ? [] : [view.payment]));
  return new Map(named.map(({ id, reference }) => [formatId(id), reference]));
}

function ownEntry(entry: TransferEntry, accountId: Id, payments: ReadonlyMap<string, string>): OwnEntry | undefined {
  const booking = bookingOf(entry, accountId);
  if (booking === undefined) return undefined;
  const { transfer } = entry;
  const id = formatId(transfer.id);
  const named = transfer.userData128 === 0n ? [] : [formatId(transfer.userData128)];
  const reference = payments.get(paymentOf(entry) ?? '') ?? '';
  return {
    id,
    references: [id, ...named, ...(reference === '' ? [] : [normalReference(reference)])],
    day: Math.floor(Number(transfer.timestamp) / MICROS_PER_DAY),
    direction: booking.direction,
    amount: booking.amount,
  };
}

function countOf(report: Report): number {
  const { differentAmount, duplicateHere, duplicateThere, missingHere, missingThere } = report;
  const lists = [differentAmount, duplicateHere, duplicateThere, missingHere, missingThere];
  return lists.reduce((sum, { length }) => sum + length, 0);
}

interface Compared {
  readonly accountId: Id;
  readonly ledger: number;
  readonly days: Days;
  readonly rows: number;
}

function reportJson(report: Report, { accountId, ledger, days, rows }: Compared): object {
  const entry = ({ id, day, direction, amount }: OwnEntry): object => ({ id, date: dayText(day), direction, amount });
  const row = ({ line, reference, day, direction, amount }: ExternalRow): object => {
    return { line, reference, date: dayText(day), direction, amount };
  };
  const byReference = report.matched.filter(({ by }) => by === 'reference').length;
  return {
    account: formatId(accountId),
    currency: ledgerName(ledger),
    from: dayText(days.from),
    to: dayText(days.to),
    rows,
    agrees: countOf(report) === 0,
    matched: { byReference, byAmountAndDate: report.matched.length - byReference },
    differentAmount: report.differentAmount.map((pair) => ({ statement: row(pair.row), account: entry(pair.entry) })),
    missingHere: report.missingHere.map(row),
    missingThere: report.missingThere.map(entry),
    duplicateHere: report.duplicateHere.map(entry),
    duplicateThere: report.duplicateThere.map(row),
  };
}

function reportText(report: Report, ledger: number): string {
  const money = (minor: bigint): string => formatMinor(minor, ledger);
  const ofRow = (what: string, row: ExternalRow, ours = ''): string[] => {
    return [what, `line ${row.line}`, dayText(row.day), row.direction, money(row.amount), ours, row.reference];
  };
  const ofEntry = (what: string, entry: OwnEntry): string[] => {
    return [what, '', dayText(entry.day), entry.direction, '', money(entry.amount), entry.id];
  };
  const differences = [
    ...report.differentAmount.map(({ row, entry }) => ofRow('different amount', row, money(entry.amount))),
    ...report.missingHere.map((row) => ofRow('missing here', row)),
    ...report.missingThere.map((entry) => ofEntry('missing there', entry)),
    ...report.duplicateThere.map((row) => ofRow('duplicate there', row)),
    ...report.duplicateHere.map((entry) => ofEntry('duplicate here', entry)),
  ];
  const byReference = report.matched.filter(({ by }) => by === 'reference').length;
  const summary = details([
    ['matched by reference', String(byReference)],
    ['matched by amount and date', String(report.matched.length - byReference)],
    ['different amount', String(report.differentAmount.length)],
    ['missing here', String(report.missingHere.length)],
    ['missing there', String(report.missingThere.length)],
    ['duplicates', String(report.duplicateHere.length + report.duplicateThere.length)],
  ]);
  if (differences.length === 0) return summary;
  const sums = ['STATEMENT', 'ACCOUNT'].map((title) => ({ title, align: 'right' as const }));
  const columns = [{ title: 'WHAT' }, { title: 'FILE' }, { title: 'DAY' }, { title: 'DIRECTION' }, ...sums];
  return `${summary}\n${table([...columns, { title: 'REFERENCE' }], differences)}`;
}

function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
