/** The cards of the sandbox's people: registered each time it is opened, which changes nothing that was seen of them. */
import {
  SANDBOX_CURRENCY,
  SANDBOX_HOLDERS,
  sandboxCard,
  sandboxCardToken,
} from '../../../adapters/terminal/sandbox.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import type { CardInput } from '../../../protocol/codecs/card-codec.ts';
import { partyAccountId } from '../../../protocol/ids.ts';
import { CommandFailure } from '../errors.ts';
import { explain } from '../results.ts';
import { institutionOf } from '../session.ts';

/** What may be paid by tapping alone: in minor units. */
const TAP = { unverifiedAmountMax: 100_000n, unverifiedSumMax: 300_000n, unverifiedCountMax: 10 } as const;

export async function registerSandboxCards(client: SluiceClient): Promise<void> {
  const institution = institutionOf(client);
  const cards = SANDBOX_HOLDERS.flatMap((holder): CardInput[] => {
    const token = sandboxCardToken(holder);
    const card = sandboxCard(holder);
    if (token === undefined || card === undefined) return [];
    const accountId = partyAccountId(institution, holder, SANDBOX_CURRENCY.numeric);
    const terms = { expiry: Number(card.expiry), sequence: Number(card.psn), pinTriesMax: 3, counterJumpMax: 1000 };
    return [{ ...token, accountId, ...terms, ...TAP }];
  });
  for (const result of await client.cards.put(cards)) {
    if (result.code !== 0) throw new CommandFailure(`the cards of the sandbox: ${explain(result, 'en')}`);
  }
}
