/** `sluice payment cancel`: undoes a payment, also one that has not come yet. */
import type { Command } from 'commander';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { formatId, parseId } from '../../../protocol/ids.ts';
import { formatMoney, readAccount, readAmount, readCurrency, readId, readNewId } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { findPayment } from '../find-payment.ts';
import { addDryRun, command } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { paymentResultJson, statusDetails } from '../views.ts';
import { sameIdAgain } from './pay.ts';

interface CancelOptions extends ConnectionOptions {
  readonly from?: string;
  readonly currency?: string;
  readonly amount?: string;
  readonly dryRun?: boolean;
  readonly id?: string;
}

/** What is to be cancelled; without a ledger when neither the payment nor the caller has said one. */
interface Target {
  readonly paymentId: bigint;
  readonly payerAccountId: bigint;
  readonly ledger: number | undefined;
}

export function registerCancel(payment: Command, terminal: Terminal): void {
  const cancel = command(
    payment,
    'cancel <payment>',
    'Undo a payment, also one that has not come yet: that one is declined when it comes.',
    [
      'sluice payment cancel order-17',
      'sluice payment cancel order-17 --amount 2.50',
      'sluice payment cancel ride-43 --from alice --currency EUR',
    ],
  );
  addDryRun(addConnectionOptions(cancel))
    .option(
      '--from <account>',
      'Who pays, when the payment may not have come: an account id, or a name with --currency.',
    )
    .option('--currency <code>', 'Currency of the payment, with --from.')
    .option('--amount <amount>', 'Only this much; when less than is held is cancelled, the rest is captured.')
    .option('--id <id>', 'Id of the cancellation, or any text that stands for it: the same again is done only once.')
    .action((text: string, options: CancelOptions) =>
      withClient(options, terminal, async (client) => {
        const { ledger, ...target } = await targetOf(client, text, options, terminal);
        const id = readNewId(options.id, institutionOf(client));
        const amount = options.amount === undefined ? undefined : amountOf(options.amount, ledger);
        const result = await sameIdAgain(formatId(id), () =>
          client.cancelPayment(
            { id, ...target, ...(amount === undefined ? {} : { amount }) },
            { dryRun: options.dryRun === true },
          ),
        );
        const view = { operationId: formatId(id), ...paymentResultJson(target.paymentId, ledger, result) };
        expectOk(result, terminal, view);
        if (options.json === true) {
          terminal.output.write(json(view));
          return;
        }
        const what = amount === undefined || ledger === undefined ? '' : ` ${formatMoney(amount, ledger)}`;
        terminal.output.write(`Cancelled${what}.${note(result, 'decided before: not done twice')}\n`);
        if (result.payment !== undefined) {
          terminal.output.write(statusDetails(target.paymentId, result.payment, ledger ?? 0));
        }
      }),
    );
}

/** With `--from` the payment need not be there, so it is known by its id alone. */
async function targetOf(
  client: SluiceClient,
  text: string,
  { from, currency: code }: CancelOptions,
  terminal: Terminal,
): Promise<Target> {
  if (from === undefined) {
    const { payment } = await findPayment(client, text, terminal);
    return { paymentId: payment.id, payerAccountId: payment.payerAccountId, ledger: payment.ledger };
  }
  const paymentId = readNewId(text, institutionOf(client));
  if (code === undefined) {
    if (parseId(from) === undefined) throw new UsageError('a name has an account in each currency: add --currency');
    return { paymentId, payerAccountId: readId(from, 'account'), ledger: undefined };
  }
  const currency = readCurrency(code);
  return { paymentId, payerAccountId: readAccount(from, currency, institutionOf(client)), ledger: currency.numeric };
}

function amountOf(text: string, ledger: number | undefined): bigint {
  if (ledger === undefined) throw new UsageError('an amount has a currency: add --currency');
  return readAmount(text, readCurrency(String(ledger)));
}
