/** `sluice qr show|pay-code|order`: codes of this switch's merchants and payers, made with a running switch. */
import { type Command, Option } from 'commander';
import { type CodeMerchant, consumerCode, counterCode, orderCode } from '../../../adapters/qr/own-codes.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { formatId, newId } from '../../../protocol/ids.ts';
import type { StoredOrder } from '../../../protocol/registry-bodies.ts';
import {
  formatMinor,
  formatMoney,
  readAccount,
  readAmount,
  readCurrency,
  readHandle,
  readId,
  readNewId,
  readWhole,
} from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command } from '../options.ts';
import { details, json } from '../output.ts';
import { expectOk, resultFields } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import { type Terminal, wantsColour } from '../terminal.ts';
import { subjectId } from '../../risk/subject-id.ts';
import { failWith } from './qr.ts';
import { draw, FORMATS, type Format, write } from './qr-encode.ts';

interface Drawing {
  readonly format: Format;
  readonly output?: string;
}

interface ShowOptions extends ConnectionOptions, Drawing {
  readonly counter: string;
  readonly currency: string;
  readonly number?: string;
  readonly title?: string;
  readonly minutes: string;
  readonly tip?: string;
}

interface PayCodeOptions extends ConnectionOptions, Drawing {
  readonly device: string;
  readonly unconfirmed: string;
  readonly lifetime: string;
  readonly codeTier: string;
  readonly form: 'digits' | 'cpm';
}

interface OrderOptions extends ConnectionOptions {
  readonly close?: boolean;
  readonly refund?: string;
  readonly id?: string;
}

const MICROS_PER_MINUTE = 60_000_000;
const SCALE = 8;

export function registerQrShow(qr: Command, terminal: Terminal): void {
  const show = command(
    qr,
    'show <shop> [amount]',
    "Show a shop's code in the terminal: of a counter, which many pay, or with an amount of an order, which is paid once.",
    [
      'sluice qr show cafe',
      'sluice qr show cafe 12.50 --title "Flat white"',
      'sluice qr show grocer --counter till-2 --currency HKD --format svg --output till-2.svg',
    ],
  );
  drawing(addConnectionOptions(show))
    .option('--currency <code>', 'Currency of the code.', 'CNY')
    .option('--counter <name>', 'Which of its counters.', 'main')
    .option('--number <text>', 'Of an order: your number for it; the same again is the same order.')
    .option('--title <text>', 'Of an order: what it is for.')
    .option('--minutes <n>', 'Of an order: until it expires.', '15')
    .option('--tip <terms>', 'Of an order: ask, a fixed amount (1.50), or a percentage (10%).')
    .action((shop: string, amount: string | undefined, options: ShowOptions) =>
      showCode(shop, amount, options, terminal),
    );

  const code = command(
    qr,
    'pay-code <payer> <currency>',
    'Give a payer a code to show, good for one payment and a minute at most.',
    ['sluice qr pay-code alice CNY', 'sluice qr pay-code alice CNY --unconfirmed 100.00 --format text'],
  );
  drawing(addConnectionOptions(code))
    .option(
      '--device <name>',
      'The device that shows it: a new code takes the place of the one before.',
      'command-line',
    )
    .addOption(
      new Option('--form <form>', "As the digits, or as EMVCo's consumer-presented code.")
        .choices(['digits', 'cpm'])
        .default('digits'),
    )
    .option('--unconfirmed <amount>', 'Payments of more wait for the payer.', '1000')
    .option('--lifetime <seconds>', 'How long it is good, 1 to 60.', '60')
    .option('--code-tier <n>', 'How the payer was verified: PBoC tier A (1) to D (4).', '3')
    .action((payer: string, currency: string, options: PayCodeOptions) => payCode(payer, currency, options, terminal));

  addConnectionOptions(
    command(qr, 'order <id>', 'Show how an order stands, close it, or give back what was paid for it.', [
      'sluice qr order 1d4c0a3fb5e24f6f8f5a0c9e6b7d2a10',
      'sluice qr order 1d4c0a3fb5e24f6f8f5a0c9e6b7d2a10 --refund 2.50',
    ]),
  )
    .option('--close', 'Nobody can pay it any more.')
    .option('--refund <amount>', 'Give this much back; "all" for all that is left.')
    .option('--id <id>', 'Id of the refund, or any text that stands for it: the same again refunds only once.')
    .action((id: string, options: OrderOptions) => order(id, options, terminal));
}

function drawing(target: Command): Command {
  return target
    .addOption(new Option('--format <format>', 'How the code is shown.').choices(FORMATS).default('terminal'))
    .option('--output <file>', 'Write it into a file.');
}

async function showCode(
  shop: string,
  amountText: string | undefined,
  options: ShowOptions,
  terminal: Terminal,
): Promise<void> {
  const handle = readHandle(shop);
  const currency = readCurrency(options.currency);
  if (amountText === undefined && (options.number ?? options.title ?? options.tip) !== undefined) {
    throw new UsageError('--number, --title and --tip belong to an order: say an amount as well');
  }
  await withClient(options, terminal, async (client) => {
    const { merchant, counters } = await merchantOf(client, handle, terminal);
    const order =
      amountText === undefined ? undefined : await placeOrder(client, handle, amountText, options, terminal);
    const counter = counters.find(({ counter: name }) => name === options.counter);
    if (order === undefined && counter === undefined) {
      const names = counters.map(({ counter: name }) => name).join(', ');
      throw new CommandFailure(`${handle} has no counter "${options.counter}": it has ${names}`);
    }
    const code =
      order === undefined
        ? counterCode(merchant, counter ?? { counter: '' }, currency.numeric)
        : orderCode(merchant, order);
    if (!code.ok) failWith(code.error, options.json === true, terminal);
    const about = order === undefined ? { handle, counter: options.counter } : orderFields(order);
    await present(code.value, about, options, terminal);
  });
}

/** Who is paid, and the counters of it. */
export async function merchantOf(client: SluiceClient, handle: string, terminal: Terminal) {
  const party = await client.getParty(handle);
  expectOk(party, terminal);
  const found = await client.registry('getCounters', { handle });
  expectOk(found, terminal);
  const { city = '', country = '', counters = [] } = found.counters ?? {};
  const { name = '', mcc = 0, ledgers = [] } = party.party ?? {};
  const merchant: CodeMerchant = { handle, name, mcc, city, country };
  return { merchant, counters, ledgers };
}

async function placeOrder(
  client: SluiceClient,
  handle: string,
  amountText: string,
  options: ShowOptions,
  terminal: Terminal,
): Promise<StoredOrder> {
  const currency = readCurrency(options.currency);
  const minutes = readWhole(options.minutes, '--minutes', 1, 10_080);
  const placed = await client.registry('putOrder', {
    ...{ handle, ledger: currency.numeric, amount: Number(readAmount(amountText, currency)) },
    number: options.number ?? formatId(newId()).slice(0, 25),
    title: options.title ?? '',
    expiresAt: Date.now() * 1000 + minutes * MICROS_PER_MINUTE,
    ...(options.tip === undefined ? {} : { tip: readTip(options.tip, currency) }),
  });
  expectOk(placed, terminal);
  if (placed.order === undefined) throw new CommandFailure('the switch did not tell the order');
  return placed.order;
}

function readTip(text: string, currency: ReturnType<typeof readCurrency>): NonNullable<StoredOrder['tip']> {
  if (text === 'ask') return { kind: 'ask', value: 0 };
  const percent = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text);
  if (percent === null) return { kind: 'fixed', value: Number(readAmount(text, currency)) };
  return { kind: 'percent', value: Number(percent[1]) * 100 + Number((percent[2] ?? '').padEnd(2, '0')) };
}

async function payCode(
  payer: string,
  currencyText: string,
  options: PayCodeOptions,
  terminal: Terminal,
): Promise<void> {
  const currency = readCurrency(currencyText);
  const terms = {
    device: subjectId('device', options.device),
    unconfirmedMax: readAmount(options.unconfirmed, currency),
    lifetimeS: readWhole(options.lifetime, '--lifetime', 1, 60),
    codeTier: readWhole(options.codeTier, '--code-tier', 1, 4),
  };
  await withClient(options, terminal, async (client) => {
    const accountId = readAccount(payer, currency, institutionOf(client));
    const [issued] = await client.codes.issue([{ ...terms, accountId }]);
    if (issued === undefined) throw new CommandFailure('the switch did not answer');
    expectOk(issued, terminal);
    const { digits = '', lifetimeS = 0 } = issued.payerCode ?? {};
    const shown = options.form === 'cpm' ? consumerCode(digits) : { ok: true as const, value: digits };
    if (!shown.ok) failWith(shown.error, options.json === true, terminal);
    await present(shown.value, { code: digits, payer, seconds: lifetimeS }, options, terminal);
  });
}

async function order(idText: string, options: OrderOptions, terminal: Terminal): Promise<void> {
  const id = formatId(readId(idText, 'an order'));
  if (options.close === true && options.refund !== undefined) throw new UsageError('either --close or --refund');
  await withClient(options, terminal, async (client) => {
    const found = await client.registry('readOrder', { id });
    expectOk(found, terminal);
    const done =
      options.close === true
        ? await client.registry('changeOrder', { id, action: 'close' })
        : options.refund === undefined
          ? found
          : await client.registry('refundOrder', { id, ...refundOf(options, found.order, institutionOf(client)) });
    expectOk(done, terminal);
    const shown = done.order ?? found.order;
    if (shown === undefined) throw new CommandFailure('the switch did not tell the order');
    if (options.json === true) terminal.output.write(json({ ...resultFields(done), order: orderFields(shown) }));
    else terminal.output.write(describeOrder(shown));
  });
}

function refundOf({ refund = 'all', id }: OrderOptions, of: StoredOrder | undefined, institution: number) {
  const currency = readCurrency(String(of?.ledger ?? 0).padStart(3, '0'));
  const amount = refund === 'all' ? 0 : Number(readAmount(refund, currency));
  return { refundId: formatId(readNewId(id, institution)), amount };
}

function orderFields(order: StoredOrder): Readonly<Record<string, unknown>> {
  const { amount, ledger, tipped, expiresAt, createdAt, updatedAt, ...rest } = order;
  return {
    ...rest,
    amount: formatMinor(BigInt(amount), ledger),
    currency: readCurrency(String(ledger).padStart(3, '0')).alphabetic,
    ...(tipped === undefined ? {} : { tipped: formatMinor(BigInt(tipped), ledger) }),
    expiresAt: new Date(expiresAt / 1000).toISOString(),
  };
}

function describeOrder(order: StoredOrder): string {
  return details([
    ['order', order.id],
    ['of', `${order.handle}, ${order.number}`],
    ['for', order.title === '' ? '-' : order.title],
    ['amount', formatMoney(BigInt(order.amount), order.ledger)],
    ['state', order.state],
    ['payment', order.paymentId ?? '-'],
    ['expires', new Date(order.expiresAt / 1000).toISOString()],
  ]);
}

/** Shows a code and its text. */
async function present(
  payload: string,
  about: Readonly<Record<string, unknown>>,
  { format, output, json: asJson }: Drawing & ConnectionOptions,
  terminal: Terminal,
): Promise<void> {
  if (asJson === true) {
    terminal.output.write(json({ payload, ...about }));
    return;
  }
  const drawn = await draw(
    payload,
    format,
    SCALE,
    output === undefined && wantsColour(terminal.output, terminal.environment),
  );
  if (!drawn.ok) failWith(drawn.error, false, terminal);
  if (output !== undefined) return write(output, drawn.value);
  if (typeof drawn.value !== 'string') throw new UsageError('a PNG needs --output FILE');
  terminal.output.write(drawn.value);
  if (format === 'terminal') terminal.output.write(`${payload}\n`);
}
