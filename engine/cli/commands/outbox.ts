/** `sluice outbox list|remove`: what other systems still have to be told. */
import type { Command } from 'commander';
import { formatId } from '../../../protocol/ids.ts';
import type { OutboxEntry } from '../../../protocol/registry-bodies.ts';
import { readCursor, readId, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { details, formatTime, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ListOptions extends ConnectionOptions {
  readonly state?: string;
  readonly limit: string;
  readonly cursor?: string;
}

const STATES = ['armed', 'due', 'expired'] as const;

export function registerOutbox(program: Command, terminal: Terminal): void {
  const outbox = group(program, 'outbox', 'What other systems still have to be told: look at it, take it out.');

  const list = command(outbox, 'list <queue>', 'List the entries of a queue in the order in which they came.', [
    'sluice outbox list issuer-a',
    'sluice outbox list issuer-a --state expired --json',
  ]);
  addConnectionOptions(list)
    .option('--state <state>', `Only entries in this state: ${STATES.join(', ')}; armed and due if left out.`)
    .option('--limit <number>', 'Entries on a page, 1 to 100.', '50')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((queue: string, options: ListOptions) => {
      const page = {
        queue,
        cursor: Number(readCursor(options.cursor)),
        limit: readWhole(options.limit, 'the limit', 1, 100),
        ...(options.state === undefined ? {} : { state: readState(options.state) }),
      };
      return withClient(options, terminal, async (client) => {
        const reply = await client.registry('listOutbox', page);
        expectOk(reply, terminal);
        const { entries = [], nextCursor = 0 } = reply;
        if (options.json === true) return void terminal.output.write(json({ entries, nextCursor }));
        terminal.output.write(
          table(
            ['CREATED', 'STATE', 'ATTEMPTS', 'NOT BEFORE', 'EXPIRES', 'ID', 'REFERENCE'].map((title) => ({ title })),
            entries.map(rowOf),
          ),
        );
        if (nextCursor !== 0) terminal.errors.write(`There are more: add --cursor ${nextCursor}\n`);
      });
    });

  const remove = command(outbox, 'remove <queue> <id>', 'Take an entry out of its queue: it is not sent any more.', [
    'sluice outbox remove issuer-a 0190a5e0c0de7000800000000000d44f',
  ]);
  addConnectionOptions(remove).action((queue: string, text: string, options: ConnectionOptions) => {
    const id = formatId(readId(text, 'entry'));
    return withClient(options, terminal, async (client) => {
      const reply = await client.registry('removeOutbox', { queue, id });
      expectOk(reply, terminal);
      if (reply.entry === undefined) throw new CommandFailure('the switch showed no entry');
      terminal.output.write(options.json === true ? json(reply.entry) : entryDetails(reply.entry));
    });
  });
}

function readState(text: string): (typeof STATES)[number] {
  for (const state of STATES) if (state === text) return state;
  throw new UsageError(`"${text}" is not a state: use one of ${STATES.join(', ')}`);
}

function rowOf({ created, state, attempts, notBefore, expiresAt, id, reference }: OutboxEntry): string[] {
  return [timeOf(created), state, String(attempts), timeOf(notBefore), timeOf(expiresAt), id, reference];
}

function entryDetails({ queue, id, state, attempts, reference, created }: OutboxEntry): string {
  return details([
    ['queue', queue],
    ['id', id],
    ['state', state],
    ['attempts', String(attempts)],
    ['reference', reference === '' ? '-' : reference],
    ['created', timeOf(created)],
  ]);
}

function timeOf(micros: number): string {
  return micros === 0 ? '-' : formatTime(BigInt(micros));
}
