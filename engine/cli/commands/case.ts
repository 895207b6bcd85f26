/** `sluice case list|show|open|assign|comment|analysed|release|return`: payments that somebody has to look at. */
import type { Command } from 'commander';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { ChangeCaseBody, StoredCase } from '../../../protocol/registry-bodies.ts';
import { findPayment } from '../find-payment.ts';
import { readCursor, readWhole } from '../arguments.ts';
import { CommandFailure } from '../errors.ts';
import { command, group } from '../options.ts';
import { details, formatTime, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ListOptions extends ConnectionOptions {
  readonly limit: string;
  readonly cursor?: string;
}

interface ChangeOptions extends ConnectionOptions {
  readonly by: string;
}

export function registerCase(program: Command, terminal: Terminal): void {
  const cases = group(program, 'case', 'Payments that somebody has to look at: assign, comment, release, return.');

  const list = command(cases, 'list', 'List open cases, newest first.', ['sluice case list']);
  addConnectionOptions(list)
    .option('--limit <number>', 'Cases on a page, 1 to 1000.', '50')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((options: ListOptions) => {
      const page = {
        cursor: Number(readCursor(options.cursor)),
        limit: readWhole(options.limit, 'the limit', 1, 1000),
      };
      return withClient(options, terminal, async (client) => {
        const reply = await client.registry('readCases', page);
        expectOk(reply, terminal);
        const { cases: found = [], nextCursor = 0 } = reply;
        if (options.json === true) return void terminal.output.write(json({ cases: found, nextCursor }));
        const rows = found.map((one) => [
          formatTime(BigInt(one.openedAt)),
          one.state,
          one.assignee,
          one.paymentId,
          one.rules.join(', '),
        ]);
        terminal.output.write(
          table(
            ['OPENED', 'STATE', 'ASSIGNEE', 'PAYMENT', 'RULES'].map((title) => ({ title })),
            rows,
          ),
        );
        if (nextCursor !== 0) terminal.errors.write(`There are more: add --cursor ${nextCursor}\n`);
      });
    });

  const show = command(cases, 'show <payment>', 'Show the case of a payment, by its id or your reference.', [
    'sluice case show order-17',
  ]);
  addConnectionOptions(show).action((text: string, options: ConnectionOptions) =>
    onCase(text, options, terminal, (client, paymentId) =>
      client.registry('readCases', { paymentId, cursor: 0, limit: 1 }),
    ),
  );

  const open = command(cases, 'open <payment> [rules...]', 'Open a case about a payment.', [
    'sluice case open order-17',
  ]);
  addConnectionOptions(open).action((text: string, rules: readonly string[], options: ConnectionOptions) =>
    onCase(text, options, terminal, (client, paymentId) => client.registry('openCase', { paymentId, rules })),
  );

  change(cases, terminal, 'assign <payment> <person>', 'Say who looks at it.', (assignee) => ({ assignee }));
  change(cases, terminal, 'comment <payment> <text>', 'Write down what was found.', (comment) => ({ comment }));
  change(cases, terminal, 'analysed <payment>', 'The facts are known; the decision is left.', () => ({
    analysed: true,
  }));
  change(cases, terminal, 'release <payment>', 'The payment was right: what is held goes on.', () => ({
    decision: 'release',
  }));
  change(cases, terminal, 'return <payment>', 'The payment was not right: the money goes back.', () => ({
    decision: 'return',
  }));
}

function change(
  cases: Command,
  terminal: Terminal,
  usage: string,
  about: string,
  what: (word: string) => Omit<ChangeCaseBody, 'paymentId' | 'by'>,
): void {
  const [name] = usage.split(' ');
  const example = usage.replace('<payment>', 'order-17').replace(/<\w+>/, 'bob');
  const target = addConnectionOptions(command(cases, usage, about, [`sluice case ${example}`]));
  target.option('--by <person>', 'Who does it.', 'operator');
  const run = (text: string, word: string, options: ChangeOptions): Promise<void> =>
    onCase(text, options, terminal, (client, paymentId) =>
      client.registry('changeCase', { paymentId, by: options.by, ...what(word) }),
    );
  if (name === 'assign' || name === 'comment') target.action(run);
  else target.action((text: string, options: ChangeOptions) => run(text, '', options));
}

async function onCase(
  text: string,
  options: ConnectionOptions,
  terminal: Terminal,
  ask: (client: SluiceClient, paymentId: string) => ReturnType<SluiceClient['registry']>,
): Promise<void> {
  await withClient(options, terminal, async (client) => {
    const { payment } = await findPayment(client, text, terminal);
    const reply = await ask(client, formatId(payment.id));
    expectOk(reply, terminal);
    if (reply.case === undefined) throw new CommandFailure('the switch showed no case');
    terminal.output.write(options.json === true ? json(reply.case) : caseDetails(reply.case));
  });
}

function caseDetails({ paymentId, state, assignee, rules, openedAt, comments }: StoredCase): string {
  return details([
    ['payment', paymentId],
    ['state', state],
    ['assignee', assignee === '' ? '-' : assignee],
    ['rules', rules.length === 0 ? '-' : rules.join(', ')],
    ['opened', formatTime(BigInt(openedAt))],
    ...comments.map(({ at, by, text }): [string, string] => [formatTime(BigInt(at)), `${by}: ${text}`]),
  ]);
}
