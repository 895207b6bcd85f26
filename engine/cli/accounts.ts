/** Parties and their accounts, opened together: what `account create` and the sandbox do. */
import type { PartyKind } from '../../protocol/bodies.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import type { AccountInput } from '../../protocol/codecs/account-codec.ts';
import { partyAccountId } from '../../protocol/ids.ts';
import { AccountFlags } from '../../protocol/records.ts';
import { CommandFailure } from './errors.ts';
import { explain } from './results.ts';

export const PARTY_KINDS = ['customer', 'merchant', 'house'] as const satisfies readonly PartyKind[];

/** `ACCOUNT.code` of each kind, in the chart of accounts of the command line and the sandbox. */
export const ACCOUNT_CODES: Readonly<Record<PartyKind, number>> = { customer: 1, merchant: 2, house: 3 };

/** Customers and merchants can only spend what they have; the house may owe. */
export function accountFlagsOf(kind: PartyKind): number {
  return kind === 'house' ? 0 : AccountFlags.debitsMustNotExceedCredits;
}

/** The account of a party in one currency. */
export function accountInput(
  institution: number,
  party: { readonly handle: string; readonly kind: PartyKind },
  ledger: number,
  terms: { readonly tariff?: number; readonly tier?: number; readonly creditLimit?: bigint } = {},
): AccountInput {
  return {
    id: partyAccountId(institution, party.handle, ledger),
    ledger,
    code: ACCOUNT_CODES[party.kind],
    flags: accountFlagsOf(party.kind),
    ...terms,
  };
}

/** Opens accounts; those that are there with the same terms stay as they are. Any other result is a failure. */
export async function openAccounts(client: SluiceClient, accounts: readonly AccountInput[]): Promise<void> {
  const results = await client.createAccounts(accounts);
  for (const result of results) {
    if (result.code !== 0) throw new CommandFailure(`an account could not be opened: ${explain(result, 'en')}`);
  }
}
