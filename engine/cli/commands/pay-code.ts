/** `sluice pay --qr` and `--code`: a payer pays what a merchant shows, and a merchant scans what a payer shows. */
import { decodeQr, type QrCode } from '../../../adapters/qr/codec/decode.ts';
import { documentOf } from '../../../adapters/qr/codec/document.ts';
import { type OwnCode, readOwnCode, readPayerCode } from '../../../adapters/qr/own-codes.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import type { RegistryResult } from '../../../protocol/codecs/registry-codec.ts';
import { currencyOfNumeric } from '../../../protocol/currencies.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { tipOf } from '../../../protocol/order-bodies.ts';
import { payerCodeToken } from '../../../protocol/payer-codes.ts';
import { formatMoney, type MoneyCurrency, readAccount, readAmount, readCurrency, readNewId } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { json } from '../output.ts';
import { expectOk, resultFields } from '../results.ts';
import { readRisk, type RiskOptions } from '../risk-context.ts';
import { type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import { languageOf, type Terminal } from '../terminal.ts';
import { paymentResultJson, statusDetails } from '../views.ts';
import { failWith } from './qr.ts';

export interface ShownOptions extends ConnectionOptions, RiskOptions {
  readonly qr?: string;
  readonly code?: string;
  readonly from?: string;
  readonly to?: string;
  readonly tip?: string;
  readonly remote?: boolean;
  readonly reference?: string;
  readonly id?: string;
}

/** `PAYMENT.code`, as of other payments of the command line. */
const PAYMENT_CODE = 1;
const WAITING: ReadonlySet<string> = new Set(['challenged', 'held']);

/** Pays a code that a merchant shows. */
export async function payShownCode(
  payload: string,
  amountWords: readonly string[],
  options: ShownOptions,
  terminal: Terminal,
): Promise<void> {
  const { from } = options;
  if (amountWords.length > 1) throw new UsageError('with --qr only the amount is left to say, as 12.50');
  if (from === undefined) throw new UsageError('say who pays: --from NAME');
  const read = decodeQr(payload);
  if (!read.ok) failWith(read.error, options.json === true, terminal);
  const own = readOwnCode(read.value);
  if (own === undefined) throw new CommandFailure(whyNotPaid(read.value));
  await withClient(options, terminal, async (client) => {
    const id = readNewId(options.id, institutionOf(client));
    const { result, amount, ledger } =
      own.kind === 'order'
        ? await payOrder(client, own.id, id, from, options, terminal)
        : await payCounter(client, own, id, from, amountWords, options, terminal);
    tell(result, { id, amount, ledger, from }, options, terminal);
  });
}

/** A merchant is paid with a code that a payer shows. */
export async function payWithPayerCode(
  shown: string,
  [amountText, currencyText, ...more]: readonly string[],
  options: ShownOptions,
  terminal: Terminal,
): Promise<void> {
  const { to } = options;
  if (to === undefined) throw new UsageError('say who is paid: --to NAME');
  if (amountText === undefined || currencyText === undefined) throw new UsageError('say how much: 12.50 CNY');
  if (more.length > 0) throw new UsageError('with --code only amount and currency are left to say: 12.50 CNY');
  const read = decodeQr(shown);
  const payerCode = payerCodeToken((read.ok ? readPayerCode(read.value) : undefined) ?? '');
  if (payerCode === undefined)
    throw new UsageError('--code: this is no payment code of this switch: 18 digits, or hQVDUFY…');
  const currency = readCurrency(currencyText);
  const amount = readAmount(amountText, currency);
  await withClient(options, terminal, async (client) => {
    const institution = institutionOf(client);
    const id = readNewId(options.id, institution);
    const { risk = {} } = readRisk(options);
    const payment = {
      ...{ id, payerCode, amount, ledger: currency.numeric, code: PAYMENT_CODE },
      payeeAccountId: readAccount(to, currency, institution),
      ...(options.reference === undefined ? {} : { reference: options.reference }),
      risk: { channel: 'qr' as const, ...risk },
    };
    const result = await client.sale(payment);
    const view = paymentResultJson(id, currency.numeric, result);
    const isWaiting = WAITING.has(result.payment?.state ?? '');
    if (!isWaiting) expectOk(result, terminal, view);
    if (options.json === true) return void terminal.output.write(json(view));
    const message = result.message[languageOf(terminal.environment)];
    const done = isWaiting ? `${message} ${whatNext(id)}` : `Paid ${formatMoney(amount, currency.numeric)} to ${to}.`;
    terminal.output.write(`${done}\n`);
    if (result.payment !== undefined) terminal.output.write(statusDetails(id, result.payment, currency.numeric));
  });
}

interface Asked {
  readonly result: RegistryResult;
  /** Minor units, the tip included. */
  readonly amount: number;
  readonly ledger: number;
}

async function payOrder(
  client: SluiceClient,
  id: string,
  paymentId: Id,
  from: string,
  options: ShownOptions,
  terminal: Terminal,
): Promise<Asked> {
  const found = await client.registry('readOrder', { id });
  expectOk(found, terminal);
  const { order } = found;
  if (order === undefined) throw new CommandFailure('the switch did not tell the order');
  const currency = currencyAt(order.ledger);
  const tip = tipOf(order.tip, order.amount) ?? tipSaid(options.tip, currency);
  const payerAccountId = formatId(readAccount(from, currency, institutionOf(client)));
  const result = await client.registry('payOrder', { id, paymentId: formatId(paymentId), payerAccountId, tip });
  return { result, amount: order.amount + tip, ledger: order.ledger };
}

async function payCounter(
  client: SluiceClient,
  { handle, counter, ledger, amount: written }: OwnCode & { readonly kind: 'counter' },
  paymentId: Id,
  from: string,
  [amountText]: readonly string[],
  options: ShownOptions,
  terminal: Terminal,
): Promise<Asked> {
  const currency = currencyAt(ledger);
  const amount = amountText === undefined ? written : Number(readAmount(amountText, currency));
  if (amount === null) throw new UsageError('the code leaves the amount to the payer: say how much, as 12.50');
  const found = await client.registry('getCounters', { handle });
  expectOk(found, terminal);
  const terms = found.counters?.counters.find(({ counter: name }) => name === counter)?.tip;
  const tip = tipOf(terms, amount) ?? tipSaid(options.tip, currency);
  const result = await client.registry('payCounter', {
    ...{ handle, counter, ledger, amount, tip, paymentId: formatId(paymentId), isRemote: options.remote === true },
    payerAccountId: formatId(readAccount(from, currency, institutionOf(client))),
    ...(options.reference === undefined ? {} : { reference: options.reference }),
  });
  return { result, amount: amount + tip, ledger };
}

function tell(
  result: RegistryResult,
  paid: { readonly id: Id; readonly amount: number; readonly ledger: number; readonly from: string },
  { json: asJson }: ShownOptions,
  terminal: Terminal,
): void {
  const { id, amount, ledger, from } = paid;
  const { payment, order } = result;
  const fields = {
    ...resultFields(result),
    payment: payment ?? null,
    ...(order === undefined ? {} : { order: order.state }),
  };
  const isWaiting = WAITING.has(payment?.state ?? '');
  if (!isWaiting) expectOk(result, terminal, fields);
  if (asJson === true) return void terminal.output.write(json(fields));
  const message = result.message[languageOf(terminal.environment)];
  terminal.output.write(
    isWaiting
      ? `${message} ${whatNext(id)}\n`
      : `Paid ${formatMoney(BigInt(amount), ledger)} from ${from}. Payment ${formatId(id)}\n`,
  );
}

function whatNext(id: Id): string {
  return `Go on with: sluice payment confirm ${formatId(id)}`;
}

/** A tip that is the payer's to say. */
function tipSaid(text: string | undefined, currency: MoneyCurrency): number {
  return text === undefined ? 0 : Number(readAmount(text, currency));
}

function currencyAt(ledger: number): MoneyCurrency {
  return readCurrency(currencyOfNumeric(ledger)?.alphabetic ?? String(ledger));
}

/** What a code is that this switch cannot pay. */
function whyNotPaid(code: QrCode): string {
  const { profile, kind } = documentOf(code);
  if (kind === 'barcode' || kind === 'consumer')
    return 'this is a code that a payer shows: scan it with --code and --to';
  return `this is a code of the scheme ${profile}: this switch has no link to it`;
}
