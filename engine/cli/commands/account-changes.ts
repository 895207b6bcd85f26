/** `sluice account freeze|close|open|limit|tier`: what an account takes part in, how far below zero it may go, how well its holder is known. */
import type { Command } from 'commander';
import type { AccountChangeInput } from '../../../protocol/codecs/account-codec.ts';
import { formatId, newId } from '../../../protocol/ids.ts';
import { readCreditLimit, readCurrency, readNewId, readTier } from '../arguments.ts';
import { CommandFailure } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { addDryRun, command } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note, resultFields } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ChangeOptions extends ConnectionOptions {
  readonly id?: string;
  readonly currency?: string;
  readonly debits?: boolean;
  readonly soon?: boolean;
  readonly dryRun?: boolean;
}

type Change = Pick<AccountChangeInput, 'state' | 'creditLimit' | 'tier'>;

export function registerAccountChanges(account: Command, terminal: Terminal): void {
  const freeze = command(account, 'freeze <account>', 'Stop new movements of an account; what is held can be voided.', [
    'sluice account freeze judy --currency EUR',
    'sluice account freeze judy --currency EUR --debits',
  ]);
  addChangeOptions(freeze)
    .option('--debits', 'Stop only what is taken from it; it still receives.')
    .action((text: string, options: ChangeOptions) =>
      change(text, { state: options.debits === true ? 'frozenForDebits' : 'frozen' }, options, terminal),
    );

  const close = command(account, 'close <account>', 'Close an account for good; it must be empty.', [
    'sluice account close judy --currency EUR --soon',
    'sluice account close judy --currency EUR',
  ]);
  addChangeOptions(close)
    .option('--soon', 'Only stop what is new; what is pending may still be posted.')
    .action((text: string, options: ChangeOptions) =>
      change(text, { state: options.soon === true ? 'closing' : 'closed' }, options, terminal),
    );

  const open = command(account, 'open <account>', 'Open an account again that was frozen or closed.', [
    'sluice account open judy --currency EUR',
  ]);
  addChangeOptions(open).action((text: string, options: ChangeOptions) =>
    change(text, { state: 'open' }, options, terminal),
  );

  const limit = command(
    account,
    'limit <account> <amount> <currency>',
    'Set how far below zero an account may go; less than it uses already only stops new debits.',
    ['sluice account limit judy 500.00 EUR', 'sluice account limit judy 0 EUR'],
  );
  addDryRun(addConnectionOptions(limit))
    .option('--id <id>', ID_HELP)
    .action((text: string, amountText: string, code: string, options: ChangeOptions) => {
      const creditLimit = readCreditLimit(amountText, readCurrency(code));
      return change(text, { creditLimit }, { ...options, currency: code }, terminal);
    });

  const tier = command(
    account,
    'tier <account> <number>',
    'Set how well the holder of an account is known, 0 (not stated) to 3; risk rules look at it.',
    ['sluice account tier judy 2 --currency EUR'],
  );
  addChangeOptions(tier).action((text: string, number: string, options: ChangeOptions) =>
    change(text, { tier: readTier(number) }, options, terminal),
  );
}

const ID_HELP = 'Id of the change, or any text that stands for it: the same again changes nothing.';

function addChangeOptions(to: Command): Command {
  return addDryRun(addConnectionOptions(to))
    .option('--id <id>', ID_HELP)
    .option('--currency <code>', 'Which account of a name; needed when it has several.');
}

function change(text: string, what: Change, options: ChangeOptions, terminal: Terminal): Promise<void> {
  return withClient(options, terminal, async (client) => {
    const accountId = await findAccountId(client, text, options.currency, terminal);
    const id = options.id === undefined ? newId() : readNewId(options.id, institutionOf(client));
    const [result] = await client.changeAccounts([{ id, accountId, ...what }], { dryRun: options.dryRun === true });
    if (result === undefined) throw new CommandFailure('the switch sent no result');
    expectOk(result, terminal, { id: formatId(id), accountId: formatId(accountId) });
    terminal.output.write(
      options.json === true
        ? json({ id: formatId(id), accountId: formatId(accountId), ...what, ...resultFields(result) })
        : `The account ${formatId(accountId)} is changed.${note(result, 'decided before')}\n`,
    );
  });
}
