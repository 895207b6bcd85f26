/**
 * Cards in the journal. Each event has the card as it is from then on, and the index of entities points at the newest; a use comes with
 * what was asked:
 *
 *   card event := prefix (16) ‖ CARD (128) ‖ CARD_USE (96)?
 *
 * The prefix has the code of a use. A use of a card that nobody knows has a card of zeros.
 */
import { CARD, CARD_USE } from '../../protocol/cards.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';
import { enter } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isZeroId, wordOffsets } from '../ledger/words.ts';

export const CardWord = wordOffsets(CARD.at);
export const CardUseWord = wordOffsets(CARD_USE.at);
export const CARD_WORDS = CARD.size >> 2;
export const CARD_EVENT_BYTES = EVENT_PREFIX_BYTES + CARD.size;
export const CARD_USE_EVENT_BYTES = CARD_EVENT_BYTES + CARD_USE.size;
export const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;

/** Makes the event whose first word is `at` findable: for decisions and for recovery. The tables name cards by their tokens. */
export function enterCard({ cards, uses }: CardTables, words: Uint32Array, at: number, lsn: number): void {
  const card = at + PREFIX_WORDS;
  if (!isZeroId(words, card + CardWord.token)) enter(cards, words, card + CardWord.token, lsn);
  const isUse = (words[at + 1] as number) === CARD_USE_EVENT_BYTES;
  if (isUse) enter(uses, words, card + CARD_WORDS + CardUseWord.id, lsn);
}

/** Where cards are found by token, and uses by id. */
export interface CardTables {
  readonly cards: Ledger['tables']['changes'];
  readonly uses: Ledger['tables']['changes'];
}
