/** `sluice transfer create|revert|show`, and those of chain.ts: movements of money below the level of payments. */
import type { Command } from 'commander';
import { formatId } from '../../../protocol/ids.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import {
  formatMoney,
  readAccount,
  readAmount,
  readCurrency,
  readId,
  readNewId,
  readTime,
  readWhole,
} from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { findTransfer } from '../find-transfer.ts';
import { addDryRun, command, group } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note, resultFields } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { entryDetails, entryJson } from '../views.ts';
import { registerChains } from './chain.ts';
import { sameIdAgain } from './pay.ts';

interface CreateOptions extends ConnectionOptions {
  readonly id?: string;
  readonly pending?: boolean;
  readonly timeout?: string;
  readonly post?: string;
  readonly void?: string;
  readonly code: string;
  readonly importedAt?: string;
  readonly dryRun?: boolean;
}

interface RevertOptions extends ConnectionOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
}

const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;

export function registerTransfer(program: Command, terminal: Terminal): void {
  const transfer = group(program, 'transfer', 'Move money between accounts, and look at movements.');

  const create = command(
    transfer,
    'create <from> <to> <amount> <currency>',
    'Move money at once, or in two phases: --pending first, then --post or --void with the id of the first.',
    [
      'sluice transfer create treasury alice 100.00 EUR',
      'sluice transfer create alice bob 25.00 EUR --pending --timeout 3600 --id hold-7',
      'sluice transfer create alice bob 25.00 EUR --post 0198c0de0000700080000000000000aa',
    ],
  );
  addDryRun(addConnectionOptions(create))
    .option('--id <id>', 'Id of the transfer, or any text that stands for it: the same again moves money only once.')
    .option('--pending', 'Only reserve the amount.')
    .option('--timeout <seconds>', 'With --pending: when the reservation ends by itself.')
    .option('--post <id>', 'Post a pending transfer: all of it, or the given amount.')
    .option('--void <id>', 'Release a pending transfer.')
    .option('--code <number>', "What kind of transfer this is, in the operator's chart of accounts.", '1')
    .option('--imported-at <time>', 'History of another system: when it was decided there.')
    .action((from: string, to: string, amountText: string, currencyText: string, options: CreateOptions) => {
      const currency = readCurrency(currencyText);
      const amount = readAmount(amountText, currency);
      const phase = withTime(readPhase(options), options.importedAt);
      const code = readWhole(options.code, 'the code', 1, U16_MAX);
      return withClient(options, terminal, async (client) => {
        const institution = institutionOf(client);
        const id = readNewId(options.id, institution);
        const record = {
          id,
          debitAccountId: readAccount(from, currency, institution),
          creditAccountId: readAccount(to, currency, institution),
          amount,
          ledger: currency.numeric,
          code,
          ...phase,
        };
        const [result] = await sameIdAgain(formatId(id), () =>
          client.createTransfers([record], { dryRun: options.dryRun === true }),
        );
        if (result === undefined) throw new CommandFailure('the switch answered nothing');
        expectOk(result, terminal, { id: formatId(id) });
        terminal.output.write(
          options.json === true
            ? json({ id: formatId(id), amount, currency: currency.alphabetic, ...resultFields(result) })
            : `${formatMoney(amount, currency.numeric)} from ${from} to ${to}: done${result.replayed ? ' before' : ''}.${note({ ...result, replayed: false }, '')}\ntransfer ${formatId(id)}\n`,
        );
      });
    });

  const revert = command(transfer, 'revert <id>', 'Give back what a transfer moved, once.', [
    'sluice transfer revert 0198c0de0000700080000000000000aa',
    'sluice transfer revert hold-7 --id revert-of-hold-7 --dry-run',
  ]);
  addDryRun(addConnectionOptions(revert))
    .option('--id <id>', 'Id of the revert, or any text that stands for it.')
    .action((text: string, options: RevertOptions) => revertTransfer(text, options, terminal));

  registerChains(transfer, terminal);

  const show = command(transfer, 'show <id>', 'Show a transfer and how it was decided.', [
    'sluice transfer show 0198c0de0000700080000000000000aa',
    'sluice transfer show hold-7 --json',
  ]);
  addConnectionOptions(show).action((text: string, options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const entry = await findTransfer(client, readNewId(text, institutionOf(client)), terminal);
      terminal.output.write(options.json === true ? json(entryJson(entry)) : entryDetails(entry));
    }),
  );
}

/** Names the accounts of the original: with several partitions they say where it can be reverted. */
function revertTransfer(text: string, options: RevertOptions, terminal: Terminal): Promise<void> {
  return withClient(options, terminal, async (client) => {
    const institution = institutionOf(client);
    const pendingId = readNewId(text, institution);
    const { transfer } = await findTransfer(client, pendingId, terminal);
    const { amount, ledger, debitAccountId, creditAccountId } = transfer;
    const id = readNewId(options.id, institution);
    const record = {
      id,
      pendingId,
      debitAccountId: creditAccountId,
      creditAccountId: debitAccountId,
      flags: TransferFlags.revert,
    };
    const [result] = await sameIdAgain(formatId(id), () =>
      client.createTransfers([record], { dryRun: options.dryRun === true }),
    );
    if (result === undefined) throw new CommandFailure('the switch answered nothing');
    expectOk(result, terminal, { id: formatId(id) });
    terminal.output.write(
      options.json === true
        ? json({ id: formatId(id), reverts: formatId(pendingId), amount, ...resultFields(result) })
        : `${formatMoney(amount, ledger)} given back.${note(result, 'decided before: not done twice')}\ntransfer ${formatId(id)}\n`,
    );
  });
}

function withTime<T extends { readonly flags: number }>(
  phase: T,
  time: string | undefined,
): T & { timestamp?: bigint } {
  if (time === undefined) return phase;
  return { ...phase, flags: phase.flags | TransferFlags.imported, timestamp: readTime(time, '--imported-at') };
}

/** Flags, timeout and pending id that the options ask for. */
function readPhase(options: CreateOptions): { flags: number; timeoutS: number; pendingId: bigint } {
  const chosen = [options.pending, options.post, options.void].filter((value) => value !== undefined);
  if (chosen.length > 1) throw new UsageError('--pending, --post and --void exclude each other: use one');
  if (options.timeout !== undefined && options.pending !== true) {
    throw new UsageError('--timeout needs --pending: only a reservation can end by itself');
  }
  const timeoutS = options.timeout === undefined ? 0 : readWhole(options.timeout, 'the timeout', 1, U32_MAX);
  if (options.pending === true) return { flags: TransferFlags.pending, timeoutS, pendingId: 0n };
  if (options.post !== undefined) {
    return { flags: TransferFlags.postPending, timeoutS, pendingId: readId(options.post, 'transfer') };
  }
  if (options.void !== undefined) {
    return { flags: TransferFlags.voidPending, timeoutS, pendingId: readId(options.void, 'transfer') };
  }
  return { flags: 0, timeoutS, pendingId: 0n };
}
