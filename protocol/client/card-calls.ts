/** The part of the client that is about cards. */
import {
  type CardInput,
  type CardLookup,
  type CardUseInput,
  decodeLookupCards,
  decodePutCards,
  decodeUseCards,
  encodeLookupCards,
  encodePutCards,
  encodeUseCards,
} from '../codecs/card-codec.ts';
import type { FrameOptions, Reply } from '../codecs/frame-codec.ts';
import type { Result } from '../codecs/result-codec.ts';

export type Encode = (options: FrameOptions) => Uint8Array<ArrayBuffer>;
type Ask = <T>(encode: Encode, decode: (reply: Reply) => T) => Promise<T>;

export class CardCalls {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Registers cards, or changes what they may. */
  put(cards: readonly CardInput[]): Promise<Result[]> {
    return this.#ask((options) => encodePutCards(cards, options), decodePutCards);
  }

  lookup(tokens: readonly bigint[]): Promise<CardLookup[]> {
    return this.#ask((options) => encodeLookupCards(tokens, options), decodeLookupCards);
  }

  /** Judges what cards and their holders have shown; each card comes back as its use has left it. */
  use(uses: readonly CardUseInput[]): Promise<CardLookup[]> {
    return this.#ask((options) => encodeUseCards(uses, options), decodeUseCards);
  }
}
