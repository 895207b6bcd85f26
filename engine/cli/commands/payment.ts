/** `sluice payment show|capture|void|refund|revert|cancel|release|confirm|list`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { PaymentView } from '../../../protocol/codecs/payment-query-codec.ts';
import { formatId, type Id, parseId, partyAccountId } from '../../../protocol/ids.ts';
import { PaymentOperationFlags, type PaymentStateName, PaymentStates } from '../../../protocol/records.ts';
import { prove, STEP_UP_KEY_FILE } from '../../admission/sandbox-keys.ts';
import { OPTIONS } from '../../config/options.ts';
import {
  formatMoney,
  readAmount,
  readCurrency,
  readCursor,
  readHandle,
  readId,
  readNewId,
  readWhole,
} from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { findPayment } from '../find-payment.ts';
import { addDryRun, command, group } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { paymentDetails, paymentJson, paymentResultJson, paymentTable, statusDetails } from '../views.ts';
import { sameIdAgain } from './pay.ts';
import { registerCancel } from './payment-cancel.ts';

interface OperationOptions extends ConnectionOptions {
  readonly amount?: string;
  readonly final?: boolean;
  readonly dryRun?: boolean;
  readonly id?: string;
}

interface ConfirmOptions extends ConnectionOptions {
  readonly proof?: string;
  readonly stepUpKey?: string;
  readonly id?: string;
}

interface ListOptions extends ConnectionOptions {
  readonly reference?: string;
  readonly account?: string;
  readonly currency?: string;
  readonly state?: string;
  readonly limit: string;
  readonly cursor?: string;
}

type Operation = 'capture' | 'void' | 'refund' | 'revert' | 'release';

const DONE: Readonly<Record<Operation, string>> = {
  capture: 'Captured',
  void: 'Voided',
  refund: 'Refunded',
  revert: 'Reverted',
  release: 'Released',
};

export function registerPayment(program: Command, terminal: Terminal): void {
  const payment = group(
    program,
    'payment',
    'Look at payments; capture, void, refund, revert, cancel, release and confirm them.',
  );

  const show = command(payment, 'show <payment>', 'Show a payment by its id or by your reference.', [
    'sluice payment show 0198c0de0000700080000000000000aa',
    'sluice payment show order-17 --json',
  ]);
  addConnectionOptions(show).action((text: string, options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const view = await findPayment(client, text, terminal);
      terminal.output.write(options.json === true ? json(paymentJson(view)) : paymentDetails(view));
    }),
  );

  operation(payment, terminal, 'capture', 'Take held money: all that is left, or a part.', [
    'sluice payment capture ride-42',
    'sluice payment capture ride-42 --amount 1500 --final',
  ]).option('--final', 'The last capture: what is not taken is released.');
  operation(payment, terminal, 'void', 'Release what is held and not captured.', ['sluice payment void ride-42']);
  operation(payment, terminal, 'refund', 'Give captured money back: all that is left, or a part.', [
    'sluice payment refund order-17',
    'sluice payment refund order-17 --amount 2.50 --id refund-of-order-17',
  ]);

  operation(
    payment,
    terminal,
    'revert',
    'Undo a payment: release what is held, and give back what is left of what was captured.',
    ['sluice payment revert order-17', 'sluice payment revert order-17 --dry-run'],
  );

  operation(payment, terminal, 'release', 'Let a payment go on that a risk rule holds.', [
    'sluice payment release order-17',
  ]);
  registerCancel(payment, terminal);
  registerConfirm(payment, terminal);

  const list = command(payment, 'list', 'List payments, newest first.', [
    'sluice payment list --state authorised',
    'sluice payment list --account alice --currency EUR --limit 5 --json',
  ]);
  addConnectionOptions(list)
    .option('--reference <text>', 'Only payments with this reference.')
    .option('--account <account>', 'Only payments from or to this account: an id, or a name with --currency.')
    .option('--currency <code>', 'Currency of the account that --account names.')
    .option('--state <state>', `Only payments in this state: ${Object.keys(PaymentStates).join(', ')}.`)
    .option('--limit <number>', 'Payments on a page, 1 to 1000.', '20')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((options: ListOptions) => listPayments(options, terminal));
}

function operation(
  payment: Command,
  terminal: Terminal,
  name: Operation,
  description: string,
  examples: readonly string[],
): Command {
  const created = addDryRun(addConnectionOptions(command(payment, `${name} <payment>`, description, examples)));
  if (name === 'capture' || name === 'refund')
    created.option('--amount <amount>', 'In the currency of the payment; all that is left if left out.');
  return created
    .option('--id <id>', `Id of the ${name}, or any text that stands for it: the same again is done only once.`)
    .action((text: string, options: OperationOptions) =>
      withClient(options, terminal, async (client) => {
        const { payment: asked } = await findPayment(client, text, terminal);
        const id = readNewId(options.id, institutionOf(client));
        const currency = readCurrency(String(asked.ledger));
        const amount = options.amount === undefined ? undefined : readAmount(options.amount, currency);
        const result = await sameIdAgain(formatId(id), () =>
          client[name](
            {
              id,
              paymentId: asked.id,
              ...(amount === undefined ? {} : { amount }),
              ...(options.final === true ? { flags: PaymentOperationFlags.final } : {}),
            },
            { dryRun: options.dryRun === true },
          ),
        );
        const view = { operationId: formatId(id), ...paymentResultJson(asked.id, asked.ledger, result) };
        expectOk(result, terminal, view);
        if (options.json === true) {
          terminal.output.write(json(view));
          return;
        }
        const what = amount === undefined ? '' : ` ${formatMoney(amount, asked.ledger)}`;
        terminal.output.write(`${DONE[name]}${what}.${note(result, 'decided before: not done twice')}\n`);
        if (result.payment !== undefined) {
          terminal.output.write(statusDetails(asked.id, result.payment, asked.ledger));
        }
      }),
    );
}

function registerConfirm(payment: Command, terminal: Terminal): void {
  const confirm = command(
    payment,
    'confirm <payment>',
    'Let a challenged payment go on, with the proof of its payer.',
    [
      'sluice payment confirm order-17',
      'sluice payment confirm order-17 --proof q1kT3o0xWvV3o2y0m6l7cXg5rJ1b0mC8bF0nq3mJf2E=',
    ],
  );
  addConnectionOptions(confirm)
    .option('--proof <base64>', "What the payer's device made of the challenge.")
    .option('--step-up-key <file>', 'Make the proof with the key in this file; in a sandbox its own key is used.')
    .option('--id <id>', 'Id of the confirmation, or any text that stands for it: the same again is done only once.')
    .action((text: string, options: ConfirmOptions) =>
      withClient(options, terminal, async (client) => {
        const view = await findPayment(client, text, terminal);
        const { id: paymentId, ledger } = view.payment;
        const id = readNewId(options.id, institutionOf(client));
        const proof = proofOf(view, options, terminal);
        const result = await sameIdAgain(formatId(id), () => client.confirm({ id, paymentId, proof }));
        const shown = { operationId: formatId(id), ...paymentResultJson(paymentId, ledger, result) };
        expectOk(result, terminal, shown);
        if (options.json === true) {
          terminal.output.write(json(shown));
          return;
        }
        terminal.output.write(`Confirmed.${note(result, 'decided before: not done twice')}\n`);
        if (result.payment !== undefined) terminal.output.write(statusDetails(paymentId, result.payment, ledger));
      }),
    );
}

function proofOf(
  view: PaymentView,
  { proof, stepUpKey, dataDir }: ConfirmOptions,
  { environment }: Terminal,
): Uint8Array {
  if (proof !== undefined) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(proof)) throw new UsageError('--proof must be base64');
    return new Uint8Array(Buffer.from(proof, 'base64'));
  }
  const folder = dataDir ?? environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
  const path = stepUpKey ?? join(folder, STEP_UP_KEY_FILE);
  if (!existsSync(path)) throw new UsageError('there is no proof: give one with --proof, or a key with --step-up-key');
  return prove(view, path);
}

function listPayments(options: ListOptions, terminal: Terminal): Promise<void> {
  const limit = readWhole(options.limit, 'the limit', 1, 1000);
  const cursor = readCursor(options.cursor);
  const state = options.state === undefined ? undefined : readState(options.state);
  return withClient(options, terminal, async (client) => {
    const accountId = readAccountFilter(options, institutionOf(client));
    const page = await client.queryPayments({
      limit,
      cursor,
      ...(options.reference === undefined ? {} : { reference: options.reference }),
      ...(state === undefined ? {} : { state }),
      ...(accountId === undefined ? {} : { accountId }),
    });
    expectOk(page, terminal);
    if (options.json === true) {
      terminal.output.write(json({ payments: page.payments.map(paymentJson), nextCursor: page.nextCursor }));
      return;
    }
    terminal.output.write(paymentTable(page.payments));
    if (page.nextCursor !== 0n) terminal.errors.write(`There are more: add --cursor ${page.nextCursor}\n`);
  });
}

function readAccountFilter(options: ListOptions, institution: number): Id | undefined {
  if (options.account === undefined) return undefined;
  const id = parseId(options.account);
  if (id !== undefined) return readId(options.account, 'account');
  if (options.currency === undefined) throw new UsageError('a name has an account in each currency: add --currency');
  return partyAccountId(institution, readHandle(options.account), readCurrency(options.currency).numeric);
}

function readState(text: string): PaymentStateName {
  for (const name of Object.keys(PaymentStates) as PaymentStateName[]) if (name === text) return name;
  throw new UsageError(`"${text}" is not a state: use one of ${Object.keys(PaymentStates).join(', ')}`);
}
