/** Accounts and parties as they are named on the command line. */
import type { StoredParty } from '../../../protocol/bodies.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { type Id, parseId, partyAccountId } from '../../../protocol/ids.ts';
import { ledgerName, readCurrency, readHandle, readId } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { expectOk } from '../results.ts';
import { institutionOf } from '../session.ts';
import type { Terminal } from '../terminal.ts';

/** Id of an account that is given by its id, or by a name and the currency where that is needed. */
export async function findAccountId(
  client: SluiceClient,
  text: string,
  currency: string | undefined,
  terminal: Terminal,
): Promise<Id> {
  if (parseId(text) !== undefined) return readId(text, 'account');
  const handle = readHandle(text);
  const institution = institutionOf(client);
  if (currency !== undefined) return partyAccountId(institution, handle, readCurrency(currency).numeric);
  const party = await findParty(client, handle, terminal);
  const [only] = party.ledgers;
  if (only === undefined || party.ledgers.length > 1) {
    throw new UsageError(`${handle} has accounts in ${party.ledgers.map(ledgerName).join(', ')}: add --currency`);
  }
  return partyAccountId(institution, handle, only);
}

export async function findParty(client: SluiceClient, text: string, terminal: Terminal): Promise<StoredParty> {
  const result = await client.getParty(readHandle(text));
  expectOk(result, terminal, { handle: text });
  if (result.party === undefined) throw new UsageError(`there is no ${text}: see "sluice account list"`);
  return result.party;
}
