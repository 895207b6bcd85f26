/** `sluice account history|balance|statement|totals`: what happened on an account. */
import type { Command } from 'commander';
import type { Aggregate, HistoryFilter } from '../../../protocol/codecs/reading-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import { isStatement, openStatement, StatementError } from '../../statement/statement.ts';
import { STATEMENT_FORMATS, type StatementFormat, writeStatement } from '../../statement/write.ts';
import { formatMinor, formatMoney, ledgerName, readCursor, readId, readTime, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command } from '../options.ts';
import { details, formatTime, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import { type Terminal, writeSlowly } from '../terminal.ts';
import { entryJson, historyTable } from '../views.ts';

interface AccountOptions extends ConnectionOptions {
  readonly currency?: string;
}

interface RangeOptions extends AccountOptions {
  readonly from?: string;
  readonly to?: string;
}

interface HistoryOptions extends RangeOptions {
  readonly limit: string;
  readonly cursor?: string;
  readonly oldestFirst?: boolean;
  readonly side?: string;
  readonly code?: string;
  readonly counterpart?: string;
  readonly userData?: string;
}

const CURRENCY = ['--currency <code>', 'Which account of a name; needed when it has several.'] as const;
const FROM = ['--from <time>', 'From this day (UTC) or time on.'] as const;
const TO = ['--to <time>', 'Up to this day or time, itself not included.'] as const;

export function registerReading(account: Command, terminal: Terminal): void {
  const history = command(account, 'history <account>', 'Show the entries of an account, newest first.', [
    'sluice account history alice --currency EUR',
    'sluice account history alice --from 2026-01-01 --to 2026-02-01 --oldest-first --side debit',
    'sluice account history 0198c0de0000700080000000000000aa --limit 100 --json',
  ]);
  addConnectionOptions(history)
    .option(...CURRENCY)
    .option(...FROM)
    .option(...TO)
    .option('--oldest-first', 'Oldest entry first.')
    .option('--side <side>', 'Only those that debit or credit the account: debit, credit.')
    .option('--code <number>', 'Only entries with this code.')
    .option('--counterpart <id>', 'Only entries with this account on the other side.')
    .option('--user-data <id>', 'Only entries with this userData128; of payments: the id of the payment.')
    .option('--limit <number>', 'Entries on a page, 1 to 1000.', '20')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((text: string, options: HistoryOptions) => showHistory(text, options, terminal));

  const balance = command(account, 'balance <account>', 'Show the posted balance of an account at a past time.', [
    'sluice account balance alice --currency EUR --at 2026-02-01',
    'sluice account balance alice --at 2026-01-31T23:59:59Z --json',
  ]);
  addConnectionOptions(balance)
    .option(...CURRENCY)
    .option('--at <time>', 'A time, or the first moment of a day (UTC); left out: now.')
    .action((text: string, options: AccountOptions & { at?: string }) => showBalance(text, options, terminal));

  const statement = command(
    account,
    'statement <account>',
    'Print a statement: opening balance, what was posted (oldest first), closing balance. Times are UTC.',
    [
      'sluice account statement alice --from 2026-01-01 --to 2026-02-01',
      'sluice account statement cafe --currency EUR --format json > january.json',
    ],
  );
  addConnectionOptions(statement)
    .option(...CURRENCY)
    .option(...FROM)
    .option(...TO)
    .option('--format <format>', `One of ${STATEMENT_FORMATS.join(', ')}; --json is the same as json.`, 'csv')
    .action((text: string, options: RangeOptions & { format: string }) => printStatement(text, options, terminal));

  const totals = command(account, 'totals <account>', 'Show what was posted on an account, by day (UTC) and code.', [
    'sluice account totals cafe --from 2026-01-01 --to 2026-02-01',
    'sluice account totals cafe --currency EUR --json',
  ]);
  addConnectionOptions(totals)
    .option(...CURRENCY)
    .option(...FROM)
    .option(...TO)
    .action((text: string, options: RangeOptions) => showTotals(text, options, terminal));
}

/** The times that --from and --to name. Throws UsageError when there is nothing between them. */
export function readRange(options: { readonly from?: string; readonly to?: string }): { from?: bigint; to?: bigint } {
  const from = options.from === undefined ? undefined : readTime(options.from, '--from');
  const to = options.to === undefined ? undefined : readTime(options.to, '--to');
  if (to !== undefined && to <= (from ?? 0n)) throw new UsageError('--to must be after --from');
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function showHistory(text: string, options: HistoryOptions, terminal: Terminal): Promise<void> {
  const filter = readFilter(options);
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    const page = await client.queryHistory({ accountId, ...filter });
    expectOk(page, terminal);
    if (options.json === true) {
      const entries = page.entries.map(entryJson);
      terminal.output.write(json({ accountId: formatId(accountId), entries, nextCursor: page.nextCursor }));
      return;
    }
    terminal.output.write(historyTable(page.entries, accountId));
    if (page.nextCursor !== 0n) terminal.errors.write(`There are more: add --cursor ${page.nextCursor}\n`);
  });
}

function readFilter(options: HistoryOptions): Omit<HistoryFilter, 'accountId'> {
  const { side, code, counterpart, userData } = options;
  if (side !== undefined && side !== 'debit' && side !== 'credit') {
    throw new UsageError(`"${side}" is not a side: use debit or credit`);
  }
  return {
    ...readRange(options),
    limit: readWhole(options.limit, 'the limit', 1, 1000),
    cursor: readCursor(options.cursor),
    order: options.oldestFirst === true ? 'oldestFirst' : 'newestFirst',
    ...(side === undefined ? {} : { side }),
    ...(code === undefined ? {} : { code: readWhole(code, 'the code', 1, 0xffff) }),
    ...(counterpart === undefined ? {} : { counterpartId: readId(counterpart, 'account') }),
    ...(userData === undefined ? {} : { userData128: readId(userData, 'payment or user datum') }),
  };
}

function showBalance(text: string, options: AccountOptions & { at?: string }, terminal: Terminal): Promise<void> {
  // A time of 0 means now.
  const at = options.at === undefined ? 0n : readTime(options.at, '--at') || 1n;
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    const found = await client.balancesAt({ accountId, at });
    expectOk(found, terminal);
    const { balance, entries, ledger, entry } = found;
    if (options.json === true) {
      const view = entry === undefined ? null : entryJson(entry);
      const id = formatId(accountId);
      terminal.output.write(json({ accountId: id, currency: ledgerName(ledger), balance, entries, entry: view }));
      return;
    }
    terminal.output.write(
      details([
        ['balance', formatMoney(balance, ledger)],
        ['entries so far', String(entries)],
        ['made by', entry === undefined ? '-' : formatId(entry.transfer.id)],
        ['at', entry === undefined ? '-' : formatTime(entry.transfer.timestamp)],
      ]),
    );
  });
}

function printStatement(text: string, options: RangeOptions & { format: string }, terminal: Terminal): Promise<void> {
  const range = readRange(options);
  const format = readFormat(options.json === true ? 'json' : options.format);
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    try {
      const statement = await openStatement(client, { accountId, ...range });
      if (!isStatement(statement)) return expectOk(statement, terminal);
      for await (const piece of writeStatement(statement, format)) await writeSlowly(terminal.output, piece);
    } catch (error) {
      // What was printed is not whole, so no JSON follows it.
      if (error instanceof StatementError) throw new CommandFailure(error.message, {}, true);
      throw error;
    }
  });
}

function readFormat(text: string): StatementFormat {
  const format = STATEMENT_FORMATS.find((known) => known === text);
  if (format === undefined) throw new UsageError(`"${text}" is not a format: use ${STATEMENT_FORMATS.join(' or ')}`);
  return format;
}

function showTotals(text: string, options: RangeOptions, terminal: Terminal): Promise<void> {
  const range = readRange(options);
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    const now = await client.balancesAt({ accountId });
    expectOk(now, terminal);
    const sums: Aggregate[] = [];
    for await (const sum of client.aggregates({ accountId, limit: 1000, ...range })) sums.push(sum);
    const currency = ledgerName(now.ledger);
    if (options.json === true) {
      const totals = sums.map((sum) => ({ ...sum, day: dayText(sum.day) }));
      terminal.output.write(json({ accountId: formatId(accountId), currency, totals }));
      return;
    }
    const money = (minor: bigint): string => formatMinor(minor, now.ledger);
    const rows = sums.map((sum) => [
      dayText(sum.day),
      String(sum.code),
      String(sum.debitCount),
      money(sum.debits),
      String(sum.creditCount),
      money(sum.credits),
      currency,
    ]);
    const numbers = ['CODE', 'DEBITS', 'SUM', 'CREDITS', 'SUM'].map((title) => ({ title, align: 'right' as const }));
    terminal.output.write(table([{ title: 'DAY' }, ...numbers, { title: 'CURRENCY' }], rows));
  });
}

function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
