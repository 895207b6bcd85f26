/** `sluice card token|put|show`: cards by their tokens. The number of a card is read from standard input, never from the command line. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readTerminals } from '../../../adapters/terminal/open.ts';
import { CardStates, type CardStateName } from '../../../protocol/cards.ts';
import type { Card, CardInput } from '../../../protocol/codecs/card-codec.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { type ChannelName, Channels } from '../../../protocol/risk.ts';
import { formatMoney, readAmount, readCurrency, readId, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command, group } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, resultFields } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface TokenOptions {
  readonly setup: string;
  readonly json?: boolean;
}

interface PutOptions extends ConnectionOptions {
  readonly currency: string;
  readonly state: string;
  readonly expiry?: string;
  readonly lastFour?: string;
  readonly device?: string;
  readonly payee?: string;
  readonly channels?: string;
  readonly pinTries?: string;
  readonly tapMax?: string;
  readonly tapSum?: string;
  readonly tapCount?: string;
  readonly counterJump?: string;
  readonly resetPin?: boolean;
}

const STATES = Object.keys(CardStates) as readonly CardStateName[];

export function registerCard(program: Command, terminal: Terminal): void {
  const card = group(program, 'card', 'Cards and device tokens: who pays with them, and what they may.');

  command(card, 'token', 'Print the token of a card number, which is read from standard input.', [
    'sluice card token --setup /etc/sluice/terminal.yaml < number.txt',
  ])
    .requiredOption('--setup <file>', 'The file that sets up the card switch: it names the key for tokens.')
    .action((options: TokenOptions) => token(options, terminal));

  const put = command(
    card,
    'put <token> <account>',
    'Register a card, or change what it may: what is left out is no limit.',
    [
      'sluice card put 5f0c…e1 alice --currency CNY --expiry 2812 --last-four 0017 --tap-max 1000.00 --pin-tries 3',
      'sluice card put 5f0c…e1 alice --currency CNY --state lost',
    ],
  );
  addConnectionOptions(put)
    .requiredOption('--currency <code>', 'Currency of the account and of the limits.')
    .option('--state <state>', `One of ${STATES.join(', ')}.`, 'active')
    .option('--expiry <yymm>', 'Month in which it ends.')
    .option('--last-four <digits>', 'To be shown.')
    .option('--device <id>', 'A device token: only payments of this device.')
    .option('--payee <account>', 'Only payments to this account.')
    .option('--channels <names>', `Only through these, with commas: ${Object.keys(Channels).join(', ')}.`)
    .option('--pin-tries <n>', 'Wrong PINs until none is taken any more.')
    .option('--reset-pin', 'Forget wrong PINs.')
    .option('--tap-max <amount>', 'Largest payment without PIN or device unlock.')
    .option('--tap-sum <amount>', 'What such payments may come to until there is one with.')
    .option('--tap-count <n>', 'How many of them may follow each other.')
    .option('--counter-jump <n>', 'How far ahead a transaction counter may be without the PIN.')
    .action((text: string, account: string, options: PutOptions) => putCard(text, account, options, terminal));

  addConnectionOptions(
    command(card, 'show <token>', 'Show a card and what was seen of it.', ['sluice card show 5f0c…e1']),
  ).action((text: string, options: ConnectionOptions) => show(text, options, terminal));
}

async function token({ setup, json: asJson }: TokenOptions, terminal: Terminal): Promise<void> {
  const read = readTerminals(setup);
  if (!read.ok) throw new CommandFailure(read.problem);
  const number = readFileSync(0, 'latin1').replace(/\s/g, '');
  if (!/^\d{12,19}$/.test(number)) throw new UsageError('standard input must have a card number of 12 to 19 digits');
  const { parts } = read;
  const made = await parts.vault.tokenOf(parts.setup.tokenKey, number);
  if (!made.ok) throw new CommandFailure(made.problem);
  const { token: text, first6, last4 } = made.token;
  terminal.output.write(asJson === true ? json({ token: text, first6, last4 }) : `${text}\n`);
}

function putCard(text: string, account: string, options: PutOptions, terminal: Terminal): Promise<void> {
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, account, options.currency, terminal);
    const payee =
      options.payee === undefined ? undefined : await findAccountId(client, options.payee, options.currency, terminal);
    const card = cardOf(readId(text, 'token'), accountId, payee, options);
    const [result] = await client.cards.put([card]);
    if (result === undefined) throw new CommandFailure('the switch sent no result');
    expectOk(result, terminal, { token: formatId(card.token), accountId: formatId(accountId) });
    const fields = { token: formatId(card.token), accountId: formatId(accountId), ...resultFields(result) };
    terminal.output.write(
      options.json === true ? json(fields) : `The card ${formatId(card.token)} is ${card.state}.\n`,
    );
  });
}

function cardOf(token: Id, accountId: Id, payee: Id | undefined, options: PutOptions): CardInput {
  const state = STATES.find((name) => name === options.state);
  if (state === undefined) throw new UsageError(`--state must be one of ${STATES.join(', ')}`);
  const currency = readCurrency(options.currency);
  const whole = (value: string | undefined, name: string, most: number): number | undefined =>
    value === undefined ? undefined : readWhole(value, name, 0, most);
  const given = {
    device: options.device === undefined ? undefined : readId(options.device, 'device'),
    payeeAccountId: payee,
    expiry: whole(options.expiry, '--expiry', 9912),
    lastFour: whole(options.lastFour, '--last-four', 9999),
    pinTriesMax: whole(options.pinTries, '--pin-tries', 255),
    unverifiedCountMax: whole(options.tapCount, '--tap-count', 255),
    counterJumpMax: whole(options.counterJump, '--counter-jump', 65_535),
    unverifiedAmountMax: options.tapMax === undefined ? undefined : readAmount(options.tapMax, currency),
    unverifiedSumMax: options.tapSum === undefined ? undefined : readAmount(options.tapSum, currency),
    channels: options.channels?.split(',').map(readChannel),
    resetPin: options.resetPin,
  };
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { token, accountId, state, ...fields };
}

function readChannel(text: string): ChannelName {
  const name = (Object.keys(Channels) as ChannelName[]).find((known) => known === text.trim());
  if (name === undefined) throw new UsageError(`"${text}" is no channel: ${Object.keys(Channels).join(', ')}`);
  return name;
}

function show(text: string, options: ConnectionOptions, terminal: Terminal): Promise<void> {
  return withClient(options, terminal, async (client) => {
    const [found] = await client.cards.lookup([readId(text, 'token')]);
    if (found === undefined) throw new CommandFailure('the switch sent no result');
    expectOk(found, terminal, { token: text });
    const { card } = found;
    if (card === undefined) throw new CommandFailure('the switch sent no card');
    const [lookup] = await client.lookupAccounts([card.accountId]);
    const ledger = lookup?.account?.ledger;
    terminal.output.write(options.json === true ? json(fieldsOf(card)) : describe(card, ledger));
  });
}

function fieldsOf(card: Card): object {
  const ids = {
    token: card.token,
    accountId: card.accountId,
    device: card.device,
    payeeAccountId: card.payeeAccountId,
  };
  const texts = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id === 0n ? null : formatId(id)]));
  const channels = (Object.keys(Channels) as ChannelName[]).filter(
    (name) => ((card.channels >> Channels[name]) & 1) === 1,
  );
  return { ...card, ...texts, channels, lastFour: String(card.lastFour).padStart(4, '0') };
}

function describe(card: Card, ledger: number | undefined): string {
  const money = (minor: bigint): string => (ledger === undefined ? String(minor) : formatMoney(minor, ledger));
  const tries = card.pinTriesMax === 0 ? '' : ` of ${card.pinTriesMax}`;
  const lines = [
    `card       ${formatId(card.token)}  …${String(card.lastFour).padStart(4, '0')}  ${card.state ?? 'unknown'}`,
    `account    ${formatId(card.accountId)}`,
    `expires    ${card.expiry === 0 ? 'never' : String(card.expiry).padStart(4, '0')}`,
    `counter    ${card.counter}`,
    `wrong PINs ${card.pinFailures}${tries}`,
    `taps       ${card.unverifiedCount} without verification, ${money(card.unverifiedSum)} in all`,
  ];
  return `${lines.join('\n')}\n`;
}
