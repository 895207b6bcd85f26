/** `sluice simulate-terminal`: a terminal and a card with a real cryptogram, against a switch that listens for card messages. */
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isApproved } from '../../../adapters/terminal/processing/action-codes.ts';
import type { Message } from '../../../adapters/terminal/iso8583/message.ts';
import { SANDBOX_CURRENCY, SANDBOX_HOLDERS, SANDBOX_VISITOR, sandboxCard } from '../../../adapters/terminal/sandbox.ts';
import { type MadeMessage, VirtualTerminal } from '../../../adapters/terminal/simulate/terminal.ts';
import { openTill, type Till } from '../../../adapters/terminal/simulate/till.ts';
import { VirtualCard } from '../../../adapters/terminal/simulate/virtual-card.ts';
import { formatMoney, readAmount, readCurrency, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command } from '../options.ts';
import { json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface TapOptions {
  readonly card: string;
  readonly host: string;
  readonly port: string;
  readonly type: string;
  readonly chip?: boolean;
  readonly device?: boolean;
  readonly reverse?: boolean;
  readonly repeat?: boolean;
  readonly dataDir?: string;
  readonly json?: boolean;
}

const TYPES = ['purchase', 'cash', 'refund', 'balance', 'preauthorisation'] as const;
const HOLDERS = [...SANDBOX_HOLDERS, SANDBOX_VISITOR];
const TIMEOUT_MS = 10_000;
const COUNTERS_FILE = 'sandbox-cards.json';
const NUMERIC_COUNTRY = '156';

export function registerSimulateTerminal(program: Command, terminal: Terminal): void {
  command(
    program,
    'simulate-terminal [amount]',
    'Tap a test card of the sandbox at a simulated terminal, with a real cryptogram.',
    [
      'sluice simulate-terminal 12.50 --card alice',
      'sluice simulate-terminal 300.00 --card bob --chip --reverse',
      'sluice simulate-terminal --type balance --card alice',
    ],
  )
    .option(
      '--card <holder>',
      `Whose card: ${HOLDERS.join(', ')}; the last is of another bank (simulate-issuer).`,
      'alice',
    )
    .option('--type <type>', `What for: ${TYPES.join(', ')}.`, 'purchase')
    .option('--chip', 'The card is inserted, not tapped.')
    .option('--device', 'The holder has unlocked the device that holds the card.')
    .option('--repeat', 'Send the same message again as a repeat, and show both answers.')
    .option('--reverse', 'Reverse it afterwards.')
    .option('--host <host>', 'Where the switch listens for card messages.', '127.0.0.1')
    .option('--port <port>', 'Its port (--iso8583-port of the switch).', '8583')
    .option('--data-dir <dir>', 'Where the cards keep their transaction counters.', './data')
    .action((amount: string | undefined, options: TapOptions) => tap(amount, options, terminal));
}

interface Exchange {
  readonly sent: Message;
  readonly answer: Message;
}

async function tap(amount: string | undefined, options: TapOptions, terminal: Terminal): Promise<void> {
  const { type } = options;
  if (!TYPES.some((known) => known === type)) throw new UsageError(`--type must be one of ${TYPES.join(', ')}`);
  if (amount === undefined && type !== 'balance') throw new UsageError('an amount is missing, for example 12.50');
  const minor = amount === undefined ? 0 : Number(readAmount(amount, readCurrency(SANDBOX_CURRENCY.alphabetic)));
  const port = readWhole(options.port, '--port', 1, 65_535);
  const counters = new CardCounters(options.dataDir ?? './data');
  const data = sandboxCard(options.card, counters.of(options.card));
  if (data === undefined) throw new UsageError(`${options.card} has no test card: ${HOLDERS.join(', ')} have`);
  const card = new VirtualCard(data);
  const till = await openTill({ host: options.host, port, spec: 'iso87-ascii' }, TIMEOUT_MS);
  if (typeof till === 'string') throw new CommandFailure(till);
  try {
    const machine = terminalOf(till);
    const made = messageOf(machine, card, type, minor, options);
    counters.keep(options.card, card.atc);
    if (!made.ok) throw new CommandFailure(made.problem);
    const exchanges = [await ask(till, made.message)];
    if (options.repeat === true) exchanges.push(await ask(till, machine.repeat(made.message)));
    if (options.reverse === true) exchanges.push(await ask(till, machine.reverse(made.message, '0400')));
    show(exchanges, card, options, terminal);
  } finally {
    await till.close();
  }
}

function messageOf(
  machine: VirtualTerminal,
  card: VirtualCard,
  type: string,
  minor: number,
  options: TapOptions,
): MadeMessage {
  const how = { contactless: options.chip !== true, cdcvm: options.device === true };
  switch (type) {
    case 'cash':
      return machine.cash(card, minor, how);
    case 'refund':
      return machine.refund(card, minor, how);
    case 'balance':
      return machine.balance(card, how);
    case 'preauthorisation':
      return machine.preauthorise(card, minor, how);
    default:
      return machine.purchase(card, minor, how);
  }
}

function terminalOf({ spec }: Till): VirtualTerminal {
  return new VirtualTerminal({
    spec,
    ...{ terminal: 'SIM00001', merchant: 'SIMULATED SHOP', acquirer: '000001', category: '5411' },
    ...{ country: NUMERIC_COUNTRY, currency: String(SANDBOX_CURRENCY.numeric), utcOffsetMinutes: 480 },
    // Two runs within a second are two terminals' worth of messages, not a repeat.
    stan: randomInt(999_999),
    now: () => new Date(),
    random: (count) => randomBytes(count),
  });
}

async function ask(till: Till, sent: Message): Promise<Exchange> {
  const answer = await till.ask(sent, TIMEOUT_MS);
  if (typeof answer === 'string') throw new CommandFailure(`no answer to ${sent.mti}: ${answer}`);
  return { sent, answer };
}

function show(exchanges: readonly Exchange[], card: VirtualCard, options: TapOptions, terminal: Terminal): void {
  const rows = exchanges.map(({ sent, answer }) => ({
    sent: sent.mti,
    answered: answer.mti,
    responseCode: answer.text(39) ?? '',
    approved: isApproved(answer.text(39)),
    ...(answer.text(38) === undefined ? {} : { approvalCode: answer.text(38) }),
    ...(answer.bytes(55) === undefined ? {} : { issuerAnswer: card.checkAnswer(answer.bytes(55)) }),
    ...(answer.text(54) === undefined ? {} : { amounts: answer.text(54) }),
  }));
  if (options.json === true) return void terminal.output.write(json({ atc: card.atc, exchanges: rows }));
  for (const [index, row] of rows.entries()) {
    const verdict = row.approved ? 'approved' : 'declined';
    const approval = row.approvalCode === undefined ? '' : `  approval ${row.approvalCode}`;
    const proof = row.issuerAnswer === undefined ? '' : `  issuer's cryptogram ${row.issuerAnswer}`;
    terminal.output.write(`${row.sent} → ${row.answered}  ${verdict} (${row.responseCode})${approval}${proof}\n`);
    for (const text of balances(exchanges[index]?.answer.text(54))) terminal.output.write(`  ${text}\n`);
  }
}

/** DE54: account type 2, amount type 2, currency 3, sign, amount 12. */
function balances(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/\d\d(\d\d)(\d{3})([CD])(\d{12})/g)].map(([, kind, currency, sign, amount]) => {
    const minor = BigInt(amount ?? 0) * (sign === 'D' ? -1n : 1n);
    return `${kind === '01' ? 'ledger balance' : 'available'}: ${formatMoney(minor, Number(currency))}`;
  });
}

/** Transaction counters of the test cards: a card never uses one twice. */
class CardCounters {
  readonly #directory: string;
  readonly #path: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, COUNTERS_FILE);
  }

  of(holder: string): number {
    const counter = this.#read()[holder];
    return typeof counter === 'number' && Number.isSafeInteger(counter) && counter >= 0 ? counter : 0;
  }

  keep(holder: string, counter: number): void {
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#path, `${JSON.stringify({ ...this.#read(), [holder]: counter })}\n`);
  }

  #read(): Readonly<Record<string, unknown>> {
    if (!existsSync(this.#path)) return {};
    try {
      const counters: unknown = JSON.parse(readFileSync(this.#path, 'utf8'));
      return typeof counters === 'object' && counters !== null ? { ...counters } : {};
    } catch {
      throw new CommandFailure(`${this.#path} is not readable: remove it, and the cards begin anew`);
    }
  }
}
