/** `sluice risk freeze|unfreeze|account`: stop a payer, block received money, and see what risk keeps of an account. */
import type { Command } from 'commander';
import { formatId, newId } from '../../../protocol/ids.ts';
import type { StoredFreeze } from '../../../protocol/registry-bodies.ts';
import { formatMinor, readAmount, readCurrency, readId, readTime } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command } from '../options.ts';
import { formatTime, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface FreezeOptions extends ConnectionOptions {
  readonly until: string;
  readonly reason: string;
  readonly reasonZh?: string;
  readonly payer?: string;
  readonly amount?: string;
}

const COLUMNS = ['FREEZE', 'KIND', 'STATE', 'UNTIL', 'REASON'].map((title) => ({ title }));

export function registerRiskFreezes(risk: Command, terminal: Terminal): void {
  const freeze = command(
    risk,
    'freeze <account> <currency>',
    'Stop a payer for a short while; with --payer, block money that the account received.',
    [
      'sluice risk freeze alice EUR --until 2026-11-23T18:00:00Z --reason "Phone was stolen."',
      'sluice risk freeze cafe EUR --payer alice --amount 25.00 --until 2026-11-26 --reason "Reported as fraud."',
    ],
  );
  addConnectionOptions(freeze)
    .requiredOption(
      '--until <time>',
      'RFC 3339 or a date: at most 30 minutes ahead (60 at night), 72 hours with --payer.',
    )
    .requiredOption('--reason <text>', 'Why, in English.')
    .option('--reason-zh <text>', 'Why, in Chinese.')
    .option('--payer <account>', 'Who gets the blocked money if it is returned.')
    .option('--amount <amount>', 'With --payer: how much to block at most.')
    .action((text: string, code: string, options: FreezeOptions) => {
      const currency = readCurrency(code);
      const until = Number(readTime(options.until, '--until'));
      if ((options.payer === undefined) !== (options.amount === undefined)) {
        throw new UsageError('give --payer and --amount together, or neither');
      }
      const amount = options.amount === undefined ? 0n : readAmount(options.amount, currency);
      return withClient(options, terminal, async (client) => {
        const accountId = formatId(await findAccountId(client, text, code, terminal));
        const id = formatId(newId());
        const reason = { en: options.reason, zh: options.reasonZh ?? options.reason };
        const base = { id, accountId, reason, until };
        const reply =
          options.payer === undefined
            ? await client.registry('putFreeze', { ...base, kind: 'sender' })
            : await client.registry('putFreeze', {
                ...base,
                kind: 'received',
                payerAccountId: formatId(await findAccountId(client, options.payer, code, terminal)),
                amount: Number(amount),
              });
        expectOk(reply, terminal, { id });
        const { blocked } = reply.freeze ?? {};
        const what = blocked === undefined ? '' : `, ${formatMinor(BigInt(blocked), currency.numeric)} blocked`;
        terminal.output.write(
          options.json === true ? json(reply.freeze) : `Frozen until ${options.until}${what}: ${id}\n`,
        );
      });
    });

  const unfreeze = command(
    risk,
    'unfreeze <account> <currency> <freeze> <how>',
    'End a freeze: release, or return the money.',
    ['sluice risk unfreeze cafe EUR 0190a5e0c0de7000800000000000f4e3 return'],
  );
  addConnectionOptions(unfreeze).action(
    (text: string, code: string, freezeId: string, how: string, options: ConnectionOptions) => {
      if (how !== 'release' && how !== 'return') throw new UsageError('say "release" or "return"');
      const id = formatId(readId(freezeId, 'freeze'));
      return withClient(options, terminal, async (client) => {
        const accountId = formatId(await findAccountId(client, text, code, terminal));
        const reply = await client.registry('endFreeze', { id, accountId, decision: how });
        expectOk(reply, terminal, { id });
        terminal.output.write(options.json === true ? json(reply.freeze) : `The freeze was ${reply.freeze?.state}.\n`);
      });
    },
  );

  const account = command(risk, 'account <account> <currency>', 'Show freezes and exemptions of an account.', [
    'sluice risk account cafe EUR',
  ]);
  addConnectionOptions(account).action((text: string, code: string, options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const accountId = formatId(await findAccountId(client, text, code, terminal));
      const reply = await client.registry('readAccountRisk', { accountId });
      expectOk(reply, terminal);
      const { freezes = [], exemptions = [] } = reply;
      if (options.json === true) return void terminal.output.write(json({ freezes, exemptions }));
      terminal.output.write(table(COLUMNS, freezes.map(freezeRow)));
      const rows = exemptions.map(({ rule, until }) => [rule, formatTime(BigInt(until))]);
      if (rows.length > 0) terminal.output.write(`\n${table([{ title: 'EXEMPT FROM' }, { title: 'UNTIL' }], rows)}`);
    }),
  );
}

function freezeRow({ id, kind, state, until, reason }: StoredFreeze): string[] {
  return [id, kind, state, formatTime(BigInt(until)), reason.en];
}
