/** `sluice clearing`: the card payments of a business day on a settlement account, as a file. */
import type { Command } from 'commander';
import { type ClearingEntry, type ClearingRole, clearingFile } from '../../../adapters/terminal/processing/clearing.ts';
import { businessDay } from '../../../adapters/terminal/processing/settlement.ts';
import { minutesOf, UTC_OFFSET } from '../../../adapters/terminal/processing/terminal-file.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { formatId } from '../../../protocol/ids.ts';
import { isStatement, openStatement, type Statement, StatementError } from '../../statement/statement.ts';
import { ledgerName, readTime } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command } from '../options.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import { type Terminal, writeSlowly } from '../terminal.ts';

interface ClearingOptions extends ConnectionOptions {
  readonly day: string;
  readonly utcOffset: string;
  readonly role: string;
  readonly currency?: string;
}

const ROLES: readonly ClearingRole[] = ['acquirer', 'issuer'];

export function registerClearing(program: Command, terminal: Terminal): void {
  const clearing = command(
    program,
    'clearing <account>',
    'Print the clearing file of a settlement account: card payments of a business day, and their totals.',
    [
      'sluice clearing acquirer --day 2026-11-24 > clearing.csv',
      'sluice clearing bank-b-settlement --day 2026-11-24 --utc-offset +08:00 --role issuer',
    ],
  );
  addConnectionOptions(clearing)
    .requiredOption('--day <day>', 'The business day, as 2026-11-24.')
    .option('--utc-offset <offset>', 'Business days begin at midnight here.', '+00:00')
    .option('--role <role>', `Whose account it is: ${ROLES.join(', ')}.`, 'acquirer')
    .option('--currency <code>', 'Which account of a name; needed when it has several.')
    .action((text: string, options: ClearingOptions) => print(text, options, terminal));
}

function print(text: string, options: ClearingOptions, terminal: Terminal): Promise<void> {
  const { day, utcOffset } = options;
  const format = options.json === true ? 'json' : 'csv';
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw new UsageError(`--day must be a day as 2026-11-24, not "${day}"`);
  readTime(day, '--day');
  if (!UTC_OFFSET.test(utcOffset)) throw new UsageError(`--utc-offset must be as +08:00, not "${utcOffset}"`);
  const role = ROLES.find((known) => known === options.role);
  if (role === undefined) throw new UsageError(`"${options.role}" is not a role: use ${ROLES.join(' or ')}`);
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const range = businessDay(year, month, date, minutesOf(utcOffset));
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    try {
      const statement = await openStatement(client, { accountId, ...range });
      if (!isStatement(statement)) return expectOk(statement, terminal);
      const currency = ledgerName(statement.ledger);
      const header = { account: formatId(accountId), currency, day, ...range, role };
      const file = clearingFile(header, entriesOf(statement), (ids) => referencesOf(client, ids), format);
      for await (const line of file) await writeSlowly(terminal.output, line);
    } catch (error) {
      // What was printed is not whole.
      if (error instanceof StatementError) throw new CommandFailure(error.message, {}, true);
      throw error;
    }
  });
}

async function* entriesOf({ bookings }: Statement): AsyncGenerator<ClearingEntry, void, undefined> {
  for await (const { entry, direction, amount } of bookings) {
    const { code, userData128: paymentId, timestamp } = entry.transfer;
    yield { direction, amount, code, paymentId, timestamp };
  }
}

async function referencesOf(client: SluiceClient, ids: readonly bigint[]): Promise<ReadonlyMap<bigint, string>> {
  const known = ids.filter((id) => id !== 0n);
  const found = known.length === 0 ? [] : await client.lookupPayments(known);
  return new Map(found.flatMap(({ view }) => (view === undefined ? [] : [[view.payment.id, view.payment.reference]])));
}
