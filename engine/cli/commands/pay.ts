/** `sluice pay FROM TO AMOUNT CURRENCY`: one payment, decided and durable when the command ends. */
import type { Command } from 'commander';
import { ConnectionLostError, RequestTimeoutError } from '../../../protocol/client/client-error.ts';
import { formatId } from '../../../protocol/ids.ts';
import { formatMoney, readAccount, readAmount, readCurrency, readNewId } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { addDryRun, command } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note } from '../results.ts';
import { addRiskOptions, readRisk } from '../risk-context.ts';
import { addConnectionOptions, institutionOf, withClient } from '../session.ts';
import { languageOf, type Terminal } from '../terminal.ts';
import { paymentResultJson, statusDetails } from '../views.ts';
import { payShownCode, payWithPayerCode, type ShownOptions } from './pay-code.ts';

interface PayOptions extends ShownOptions {
  readonly campaign?: string;
  readonly authorise?: boolean;
  readonly dryRun?: boolean;
}

/** In the chart of accounts of the command line and the sandbox. */
export const PAYMENT_CODE = 1;

export function registerPay(program: Command, terminal: Terminal): void {
  const pay = command(
    program,
    'pay [from] [to] [amount] [currency]',
    'Pay someone: FROM TO AMOUNT CURRENCY. FROM and TO are names of your institution or account ids; the amount is as you say it: 12.50.',
    [
      'sluice pay alice cafe 4.50 EUR',
      'sluice pay bob bookshop 128.00 CNY --reference order-17 --campaign welcome',
      'sluice pay alice taxi 2000 JPY --authorise --id ride-42',
      'sluice pay --qr PAYLOAD --from alice 12.50',
      'sluice pay --code 880123456789012342 --to cafe 12.50 CNY',
    ],
  );
  addRiskOptions(addDryRun(addConnectionOptions(pay)))
    .option('--reference <text>', 'Your own name for the payment, for example an order number.')
    .option('--campaign <account>', 'Name or id of the account that funds a discount.')
    .option('--authorise', 'Only hold the money; "sluice payment capture" takes it.')
    .option('--id <id>', 'Id of the payment, or any text that stands for it: the same again pays only once.')
    .option(
      '--qr <payload>',
      'A code that a merchant shows, in place of TO: with --from, and the amount if the code has none.',
    )
    .option('--code <digits>', 'A code that a payer shows, in place of FROM: with --to, amount and currency.')
    .option('--from <name>', 'With --qr: who pays.')
    .option('--to <name>', 'With --code: who is paid.')
    .option('--tip <amount>', 'With --qr: what the payer adds, where the code asks for a tip.')
    .option('--remote', 'With --qr: the code came as a picture or a link.')
    .action((from?: string, to?: string, amountText?: string, currencyText?: string, ...rest: unknown[]) => {
      const options = rest[0] as PayOptions;
      // A code stands for one of the two: what is left of the words comes first.
      const words = [from, to, amountText, currencyText].filter((word) => word !== undefined);
      if (options.qr !== undefined) return payShownCode(options.qr, words, options, terminal);
      if (options.code !== undefined) return payWithPayerCode(options.code, words, options, terminal);
      if (from === undefined || to === undefined || amountText === undefined || currencyText === undefined) {
        throw new UsageError('say FROM TO AMOUNT CURRENCY, or --qr PAYLOAD --from NAME, or --code DIGITS --to NAME');
      }
      const currency = readCurrency(currencyText);
      const amount = readAmount(amountText, currency);
      return withClient(options, terminal, async (client) => {
        const institution = institutionOf(client);
        const id = readNewId(options.id, institution);
        const payment = {
          id,
          payerAccountId: readAccount(from, currency, institution),
          payeeAccountId: readAccount(to, currency, institution),
          amount,
          ledger: currency.numeric,
          code: PAYMENT_CODE,
          ...(options.reference === undefined ? {} : { reference: options.reference }),
          ...(options.campaign === undefined
            ? {}
            : { campaignId: readAccount(options.campaign, currency, institution) }),
          ...readRisk(options),
        };
        const how = { dryRun: options.dryRun === true };
        const result = await sameIdAgain(formatId(id), () =>
          options.authorise === true ? client.authorise(payment, how) : client.sale(payment, how),
        );
        const view = paymentResultJson(id, currency.numeric, result);
        const isWaiting = result.payment?.state === 'held' || result.payment?.state === 'challenged';
        if (!isWaiting) expectOk(result, terminal, view);
        if (options.json === true) {
          terminal.output.write(json(view));
          return;
        }
        const again = note(result, 'decided before: nothing was paid twice');
        const verb = options.authorise === true ? 'Held' : 'Paid';
        terminal.output.write(
          isWaiting
            ? `${result.message[languageOf(terminal.environment)]}${again} ${goOn(id, result.payment?.state)}\n`
            : `${verb} ${formatMoney(amount, currency.numeric)} from ${from} to ${to}.${again}\n`,
        );
        if (result.payment !== undefined) {
          terminal.output.write(statusDetails(id, result.payment, currency.numeric));
        }
      });
    });
}

/** How a payment goes on that waits. */
function goOn(id: bigint, state: string | undefined): string {
  const operation = state === 'challenged' ? 'confirm' : 'release';
  return `Go on with: sluice payment ${operation} ${formatId(id)}`;
}

/** When the answer was lost, the person must know the id, since only the same id is safe to send again. */
export async function sameIdAgain<T>(id: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ConnectionLostError || error instanceof RequestTimeoutError)) throw error;
    throw new CommandFailure(`${error.message}. To ask again safely, run the same command with --id ${id}`, {
      id,
      outcome: error.outcome,
    });
  }
}
