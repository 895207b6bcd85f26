/** The transfer that a command names. */
import type { SluiceClient } from '../../protocol/client/client.ts';
import type { Id } from '../../protocol/ids.ts';
import { CommandFailure } from './errors.ts';
import { expectOk } from './results.ts';
import type { Terminal } from './terminal.ts';

/** How it was decided, and its record. Throws CommandFailure when the institution may see no such transfer. */
export async function findTransfer(client: SluiceClient, id: Id, terminal: Terminal) {
  const [found] = await client.lookupTransfers([id]);
  if (found === undefined) throw new CommandFailure('the switch answered nothing');
  expectOk(found, terminal);
  if (found.entry === undefined) throw new CommandFailure('the switch answered no transfer');
  return found.entry;
}
