/** `sluice trial-balance`: the sums of all accounts, by ledger. */
import type { Command } from 'commander';
import type { TrialBalance } from '../../../protocol/codecs/reading-codec.ts';
import { formatMinor, ledgerName } from '../arguments.ts';
import { command } from '../options.ts';
import { json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

const TITLES = ['ACCOUNTS', 'DEBITS POSTED', 'CREDITS POSTED', 'DEBITS PENDING', 'CREDITS PENDING'];

export function registerTrialBalance(program: Command, terminal: Terminal): void {
  const trial = command(
    program,
    'trial-balance',
    'Show the sums of all accounts of your institution by currency; for the operator of all, where both sides are equal.',
    ['sluice trial-balance', 'sluice trial-balance --json'],
  );
  addConnectionOptions(trial).action((options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const rows: TrialBalance[] = [];
      let cursor = 0n;
      do {
        const page = await client.trialBalance({ cursor, limit: 1000 });
        expectOk(page, terminal);
        rows.push(...page.ledgers);
        cursor = page.nextCursor;
      } while (cursor !== 0n);
      terminal.output.write(options.json === true ? json({ ledgers: rows.map(trialJson) }) : trialTable(rows));
    }),
  );
}

function trialJson({ ledger, ...sums }: TrialBalance): object {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = sums;
  const balanced = debitsPosted === creditsPosted && debitsPending === creditsPending;
  return { currency: ledgerName(ledger), ...sums, balanced };
}

function trialTable(rows: readonly TrialBalance[]): string {
  const cells = rows.map((row) => [
    ledgerName(row.ledger),
    String(row.accounts),
    ...[row.debitsPosted, row.creditsPosted, row.debitsPending, row.creditsPending].map((minor) =>
      formatMinor(minor, row.ledger),
    ),
  ]);
  return table([{ title: 'CURRENCY' }, ...TITLES.map((title) => ({ title, align: 'right' as const }))], cells);
}
