/** A wallet's bank and a shop's, for orders and counters. */
import { formatId, partyAccountId } from '../../../protocol/ids.ts';
import { encodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { AccountFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { framed } from '../../support/desk.ts';

export const WALLET = 2;
export const SHOP = 3;
export const LEDGER = 156;
const CNY = { ledger: LEDGER, code: 1 };
export const PAYERS = Array.from({ length: 8 }, (_, n) => BigInt(1000 + n));
export const [PAYER = 0n] = PAYERS;
export const POOR = 1100n;

let next = 1n;
export const nextId = (): bigint => next++;
/** A new one. */
export const id = (): string => formatId(nextId());

export async function opened(partitions = 1, echoes = false): Promise<Bank> {
  const bank = new Bank(partitions, undefined, echoes);
  await bank.accounts(WALLET, ...PAYERS.map((payer) => ({ id: payer, ...CNY })));
  await bank.accounts(WALLET, { id: POOR, ...CNY, flags: AccountFlags.debitsMustNotExceedCredits });
  await bank.accounts(SHOP, { id: partyAccountId(SHOP, 'teahouse', LEDGER), ...CNY });
  for (const [institution, handle, kind, mcc] of [
    [SHOP, 'teahouse', 'merchant', 5814],
    [WALLET, 'dan', 'customer', 0],
    [WALLET, 'cafe', 'merchant', 5814],
  ] as const) {
    const party = { handle, kind, name: kind === 'merchant' ? 'Old Tea House' : '', ledgers: [LEDGER], mcc };
    await bank.ask(framed(institution, encodeRich('putParty', party, { requestId: 1 })));
    await bank.accounts(institution, { id: partyAccountId(institution, handle, LEDGER), ...CNY });
  }
  return bank;
}
