/**
 * putCards:    count × CARD             → count × RESULT
 * lookupCards: count × token (u128)     → count × (RESULT, CARD); zeros when the code is not `ok`
 * useCards:    count × CARD_USE         → count × (RESULT, CARD): as the use has left it; zeros when there is no such card
 */
import {
  CARD,
  CARD_USE,
  CardFlags,
  CardProofs,
  CardStates,
  type CardStateName,
  CardVerifications,
  type CardVerificationName,
} from '../cards.ts';
import { RESULT } from '../records.ts';
import { type ChannelName, Channels } from '../risk.ts';
import { buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, type Visible, writeId, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

type CardFields = Visible<(typeof CARD)['fields']>;

/** A card as it is kept. */
export type Card = Omit<CardFields, 'state' | 'flags'> & {
  /** Undefined for a state that this version does not know. */
  readonly state: CardStateName | undefined;
};

/** What is said of a card; the rest is zero: no limit, no restriction. */
export type CardInput = Pick<CardFields, 'token' | 'accountId'> &
  Partial<
    Pick<
      CardFields,
      | 'device'
      | 'payeeAccountId'
      | 'unverifiedAmountMax'
      | 'unverifiedSumMax'
      | 'unverifiedCountMax'
      | 'expiry'
      | 'counterFloor'
      | 'counterJumpMax'
      | 'lastFour'
      | 'pinTriesMax'
      | 'sequence'
    >
  > & {
    /** `active` when left out. */
    readonly state?: CardStateName;
    /** All when left out. */
    readonly channels?: readonly ChannelName[];
    readonly resetPin?: boolean;
  };

export type CardUseInput = Pick<Visible<(typeof CARD_USE)['fields']>, 'id' | 'token'> &
  Partial<Pick<Visible<(typeof CARD_USE)['fields']>, 'device' | 'payeeAccountId' | 'amount' | 'counter' | 'expiry'>> & {
    readonly channel?: ChannelName;
    readonly verification?: CardVerificationName;
    /** Left out: there was none. */
    readonly cryptogram?: 'valid' | 'invalid' | undefined;
    readonly pin?: 'right' | 'wrong' | undefined;
  };

export interface CardLookup extends Result {
  /** There when the card is known. */
  readonly card: Card | undefined;
}

/** What a CardUseInput has in another form than the record. */
const BESIDE_USE = new Set(['channel', 'verification', 'cryptogram', 'pin'] as const);
const LOOKUP_BYTES = RESULT.size + CARD.size;

/** @throws EncodeError */
export function encodePutCards(cards: readonly CardInput[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('putCards', options, cards, (body, offset, card, index) => {
    const { state = 'active', channels = [], resetPin, ...fields } = card;
    const bits = channels.reduce((sum, name) => sum | (1 << Channels[name]), 0);
    const flags = resetPin === true ? CardFlags.resetPin : 0;
    const record = { ...fields, state: CardStates[state], channels: bits, flags };
    writeRecord(CARD, body, offset, record, `cards[${index}]`);
  });
}

/** @throws DecodeError */
export function decodePutCards(reply: Reply): Result[] {
  expectReply(reply, 'putCards');
  expectEnd(reply, reply.count * RESULT.size);
  return Array.from({ length: reply.count }, (_, index) => readResult(reply.body, index * RESULT.size));
}

/** @throws EncodeError */
export function encodeLookupCards(tokens: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('lookupCards', options, tokens, (body, offset, token, index) => {
    writeId(body, offset, token, `tokens[${index}]`);
  });
}

/** In the order of the tokens. @throws DecodeError */
export function decodeLookupCards(reply: Reply): CardLookup[] {
  return readLookups(reply, 'lookupCards');
}

/** @throws EncodeError */
export function encodeUseCards(uses: readonly CardUseInput[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('useCards', options, uses, (body, offset, use, index) => {
    const { channel = 'unknown', verification = 'none', cryptogram, pin } = use;
    const proofs =
      (cryptogram === undefined ? 0 : CardProofs.cryptogram) |
      (cryptogram === 'valid' ? CardProofs.cryptogramValid : 0) |
      (pin === undefined ? 0 : CardProofs.pin) |
      (pin === 'right' ? CardProofs.pinRight : 0);
    writeRecord(CARD_USE, body, offset, use, `uses[${index}]`, BESIDE_USE);
    body.setUint8(offset + CARD_USE.at.channel, Channels[channel]);
    body.setUint8(offset + CARD_USE.at.verification, CardVerifications[verification]);
    body.setUint8(offset + CARD_USE.at.proofs, proofs);
  });
}

/** In the order of the uses. @throws DecodeError */
export function decodeUseCards(reply: Reply): CardLookup[] {
  return readLookups(reply, 'useCards');
}

function readLookups(reply: Reply, command: 'lookupCards' | 'useCards'): CardLookup[] {
  expectReply(reply, command);
  expectEnd(reply, reply.count * LOOKUP_BYTES);
  return Array.from({ length: reply.count }, (_, index) => {
    const offset = index * LOOKUP_BYTES;
    return { ...readResult(reply.body, offset), card: readCard(reply.body, offset + RESULT.size) };
  });
}

function readCard(view: DataView, offset: number): Card | undefined {
  const { state, flags: _flags, ...card } = readRecord(CARD, view, offset);
  if (card.token === 0n) return undefined;
  return { ...card, state: STATE_NAMES.find((name) => CardStates[name] === state) };
}

const STATE_NAMES = Object.keys(CardStates) as readonly CardStateName[];
