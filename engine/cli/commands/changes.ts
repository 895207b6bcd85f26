/** `sluice changes`: the change stream of a running switch. */
import type { Command } from 'commander';
import type { Change } from '../../../protocol/changes.ts';
import { ChangeStreamError } from '../../../protocol/client/change-stream.ts';
import { readWhole } from '../arguments.ts';
import { CommandFailure } from '../errors.ts';
import { command } from '../options.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ChangesCommandOptions extends ConnectionOptions {
  readonly partition: string;
  readonly from: string;
  readonly follow?: boolean;
}

export function registerChanges(program: Command, terminal: Terminal): void {
  const changes = command(
    program,
    'changes',
    'Show what happened, oldest first, as the key may see it: one line each, with --json one document a line.',
    ['sluice changes', 'sluice changes --from now --follow', 'sluice changes --from 4722 --json'],
  )
    .option('--partition <number>', 'Which partition.', '0')
    .option('--from <cursor>', 'Cursor of the last change that you have, "start", or "now".', 'start')
    .option('--follow', 'Go on with what happens, until it is stopped with Ctrl-C.');
  addConnectionOptions(changes).action((options: ChangesCommandOptions) =>
    withClient(options, terminal, async (client) => {
      const stream = client.changes({
        partition: readWhole(options.partition, 'the partition', 0, 0xffff_ffff),
        from: readFrom(options.from),
        follow: options.follow === true,
      });
      const stop = (): void => stream.stop();
      process.once('SIGINT', stop);
      try {
        for await (const change of stream) {
          terminal.output.write(`${options.json === true ? JSON.stringify(change) : lineOf(change)}\n`);
        }
      } catch (error) {
        if (error instanceof ChangeStreamError) throw new CommandFailure(error.message, { code: error.code });
        throw error;
      } finally {
        process.off('SIGINT', stop);
      }
    }),
  );
}

function readFrom(text: string): number | 'start' | 'now' {
  if (text === 'start' || text === 'now') return text;
  return readWhole(text, 'the cursor', 0, Number.MAX_SAFE_INTEGER);
}

/** Time, cursor, what, how it was decided, and the fields that say which. */
function lineOf(change: Change): string {
  const { decidedAt, cursor, type, result } = change;
  return [decidedAt, String(cursor).padStart(10), type.padEnd(8), result, ...partsOf(change)].join('  ');
}

function partsOf({ transfer, payment, account, body }: Change): string[] {
  if (transfer !== undefined) {
    const { amount, currency, debitAccount, creditAccount, id } = transfer;
    return [`${amount} ${currency}`, `${debitAccount ?? '-'} → ${creditAccount ?? '-'}`, id];
  }
  if (payment !== undefined) {
    const { operation, state, amount, currency, reference, id } = payment;
    return [`${operation}: ${state}`, `${amount} ${currency}`, reference === '' ? '-' : reference, id];
  }
  if (account !== undefined) return [account.currency, account.id];
  return body === undefined ? [] : [String(body.handle ?? body.number ?? body.accountId ?? '')];
}
