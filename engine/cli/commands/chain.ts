/** `sluice transfer post-chain|void-chain`: end every pending transfer of a linked chain, all or none. */
import type { Command } from 'commander';
import { formatId } from '../../../protocol/ids.ts';
import { readNewId } from '../arguments.ts';
import { findTransfer } from '../find-transfer.ts';
import { addDryRun, command } from '../options.ts';
import { json } from '../output.ts';
import { expectOk, note, resultFields } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { sameIdAgain } from './pay.ts';

interface ChainOptions extends ConnectionOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
}

type Action = 'post' | 'void';

const ID_HELP = 'Id of the post or void, or any text that stands for it: the same again changes nothing.';

export function registerChains(transfer: Command, terminal: Terminal): void {
  const post = command(
    transfer,
    'post-chain <id>',
    'Post every pending transfer of a chain, all or none; name any one.',
    ['sluice transfer post-chain 0198c0de0000700080000000000000aa', 'sluice transfer post-chain hold-7 --dry-run'],
  );
  addDryRun(addConnectionOptions(post))
    .option('--id <id>', ID_HELP)
    .action((text: string, options: ChainOptions) => endChain(text, 'post', options, terminal));

  const release = command(
    transfer,
    'void-chain <id>',
    'Release every pending transfer of a chain, all or none; name any one.',
    ['sluice transfer void-chain 0198c0de0000700080000000000000aa'],
  );
  addDryRun(addConnectionOptions(release))
    .option('--id <id>', ID_HELP)
    .action((text: string, options: ChainOptions) => endChain(text, 'void', options, terminal));
}

/** Looks the transfer up first: its debit account says where the chain is. */
function endChain(text: string, action: Action, options: ChainOptions, terminal: Terminal): Promise<void> {
  return withClient(options, terminal, async (client) => {
    const institution = institutionOf(client);
    const pendingId = readNewId(text, institution);
    const { transfer } = await findTransfer(client, pendingId, terminal);
    const { debitAccountId } = transfer;
    const id = readNewId(options.id, institution);
    const result = await sameIdAgain(formatId(id), () =>
      client.endChain({ id, pendingId, debitAccountId, action }, { dryRun: options.dryRun === true }),
    );
    const { members, refusedById } = result;
    expectOk(result, terminal, {
      id: formatId(id),
      ...(refusedById === undefined ? {} : { refusedBy: formatId(refusedById) }),
    });
    const done = action === 'post' ? 'posted' : 'released';
    terminal.output.write(
      options.json === true
        ? json({ id: formatId(id), chainOf: formatId(pendingId), members, ...resultFields(result) })
        : `${members} pending transfer${members === 1 ? '' : 's'} ${done}.${note(result, 'decided before: not done twice')}\ntransfer ${formatId(id)}\n`,
    );
  });
}
