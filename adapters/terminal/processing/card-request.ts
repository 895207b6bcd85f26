/**
 * What a card message says, in one form whatever its specification. Tracks and PIN blocks are only lent: nothing of this is kept
 * beyond the decision.
 */
import type { Message } from '../iso8583/message.ts';
import { parseTlv, type Tlv } from '../tlv/tlv.ts';
import { type EntryMode, entryModeOf, needsChipData, type TransactionName, transactionOf } from './transaction.ts';

/** What is asked by the message type, its version and its repeat digit left aside. */
export type Family = 'authorisation' | 'financial' | 'authorisationAdvice' | 'financialAdvice' | 'reversal';

/** DE90 (1987) and DE56 (1993): the message that is meant. Parts that the acquirer does not know are empty. */
export interface OriginalData {
  readonly mti: string;
  readonly stan: string;
  readonly transmission: string;
  readonly acquirer: string;
}

export interface CardRequest {
  readonly family: Family;
  readonly transaction: TransactionName;
  /** DE3 whole. */
  readonly processingCode: string;
  /** Minor units. */
  readonly amount: number;
  /** Of the amount, what is handed out in cash (DE54, type 40). */
  readonly cashback: number;
  /** ISO 4217 numeric. */
  readonly currency: number;
  readonly pan: string;
  /** YYMM; undefined when nothing says it. */
  readonly expiry: string | undefined;
  /** Two digits; `00` when nothing says it. */
  readonly sequence: string;
  readonly entryMode: EntryMode;
  /** What follows `=` and the expiry on track 2: service code and discretionary data. */
  readonly trackRest: string | undefined;
  readonly pinBlock: Uint8Array | undefined;
  /** DE53: with DUKPT the key serial number. */
  readonly security: Uint8Array | undefined;
  /** Field 55. */
  readonly tags: Tlv | undefined;
  /** DE11. */
  readonly stan: string;
  /** DE7, MMDDhhmmss in UTC. */
  readonly transmission: string;
  /** DE37. */
  readonly retrieval: string;
  /** DE41, without the spaces behind it. */
  readonly terminal: string;
  /** DE42, without the spaces behind it. */
  readonly merchant: string;
  /** DE18; 0 = not told. */
  readonly merchantCategory: number;
  /** ISO 3166-1 alpha-2 of DE43; empty = not told. */
  readonly country: string;
  /** DE32. */
  readonly acquirer: string;
  readonly original: OriginalData | undefined;
  /** DE95: what the transaction comes to after a partial reversal; undefined = it is reversed in full. */
  readonly replacement: number | undefined;
}

export type ReadRequest =
  | { readonly ok: true; readonly request: CardRequest }
  /** `responseCode`: DE39 of 1987. `problem` has no value of the card in it. */
  | { readonly ok: false; readonly responseCode: string; readonly problem: string };

const FAMILIES: Readonly<Record<string, Family>> = {
  '100': 'authorisation',
  '120': 'authorisationAdvice',
  '200': 'financial',
  '220': 'financialAdvice',
  '400': 'reversal',
  '420': 'reversal',
};

const TRACK_2 = /^(\d{12,19})[=D](\d{4})(\d*)F*$/;
const PAN = /^\d{12,19}$/;
const TAG = { pan: 0x5a, track2: 0x57, sequence: 0x5f34, track2Contactless: 0x9f6b } as const;
/** DE54: account type 2, amount type 2, currency 3, sign 1, amount 12. */
const ADDITIONAL_AMOUNT = /(\d\d)(\d\d)(\d{3})([CD])(\d{12})/g;
const CASHBACK = '40';

/** What a message type asks, by its second to fourth digit; undefined for what is no card transaction. */
export function familyOf(mti: string): Family | undefined {
  return FAMILIES[`${mti.slice(1, 3)}0`];
}

/** Reads a request or advice; `familyOf` has said that it is one. */
export function readCardRequest(message: Message): ReadRequest {
  const family = familyOf(message.mti);
  if (family === undefined) return refused('40', `message type ${message.mti} is not handled`);
  const processingCode = message.text(3) ?? '';
  const transaction = transactionOf(processingCode);
  if (processingCode === '') return refused('30', 'field 3 is missing');
  if (transaction === undefined || transaction === 'transfer')
    return refused('40', `processing code ${processingCode.slice(0, 2)} is not handled`);
  const amount = Number(message.text(4) ?? (transaction === 'balance' ? '0' : ''));
  if (message.text(4) === undefined && transaction !== 'balance') return refused('30', 'field 4 is missing');
  if (amount === 0 && transaction !== 'balance' && family !== 'reversal') return refused('13', 'the amount is zero');
  if (!message.has(7)) return refused('30', 'field 7 is missing');
  if (!message.has(11)) return refused('30', 'field 11 is missing');
  const currency = Number(message.text(49) ?? '');
  if (!(currency > 0)) return refused('30', 'field 49 is missing');

  const chip = chipData(message);
  if (chip === 'unreadable') return refused('30', 'field 55 is no BER-TLV');
  const track = trackOf(message, chip);
  const pan = message.text(2) ?? track?.pan ?? panOf(chip);
  if (pan === undefined || !PAN.test(pan)) return refused('14', 'there is no card number');
  if (track !== undefined && track.pan !== pan) return refused('30', 'fields 2 and 35 name different cards');
  const entryMode = entryModeOf(message.text(22) ?? '');
  if (needsChipData(entryMode) && chip === undefined && isRequest(family)) {
    return refused('30', 'the card was read by its chip, and field 55 is missing');
  }
  const replacement = replacementOf(message);
  if (replacement !== undefined && Number.isNaN(replacement)) return refused('30', 'field 95 has no amount');
  return {
    ok: true,
    request: {
      family,
      transaction,
      processingCode,
      amount,
      currency,
      cashback: cashbackOf(message),
      pan,
      entryMode,
      tags: chip,
      replacement,
      expiry: message.text(14) ?? track?.expiry,
      sequence: sequenceOf(message, chip),
      trackRest: track?.rest,
      pinBlock: message.bytes(52),
      security: message.bytes(53),
      stan: message.text(11) ?? '',
      transmission: message.text(7) ?? '',
      retrieval: (message.text(37) ?? '').trimEnd(),
      terminal: (message.text(41) ?? '').trimEnd(),
      merchant: (message.text(42) ?? '').trimEnd(),
      merchantCategory: Number(message.text(message.spec.version === '1' ? 26 : 18) ?? 0),
      country: countryOf(message.text(43)),
      acquirer: message.text(32) ?? '',
      original: originalOf(message),
    },
  };
}

function isRequest(family: Family): boolean {
  return family === 'authorisation' || family === 'financial';
}

function refused(responseCode: string, problem: string): ReadRequest {
  return { ok: false, responseCode, problem };
}

function chipData(message: Message): Tlv | undefined | 'unreadable' {
  const bytes = message.bytes(55);
  if (bytes === undefined) return undefined;
  const parsed = parseTlv(bytes);
  return parsed.ok ? parsed.tlv : 'unreadable';
}

interface Track {
  readonly pan: string;
  readonly expiry: string;
  readonly rest: string;
}

/** Track 2 from field 35, or from the chip's equivalent of it (tags 57 and 9F6B, with D for `=` and F at the end). */
function trackOf(message: Message, chip: Tlv | undefined): Track | undefined {
  const stripe = message.text(35) ?? hexOf(chip?.get(TAG.track2) ?? chip?.get(TAG.track2Contactless));
  if (stripe === undefined) return undefined;
  const [, pan, expiry, rest] = TRACK_2.exec(stripe) ?? [];
  return pan === undefined || expiry === undefined ? undefined : { pan, expiry, rest: rest ?? '' };
}

function panOf(chip: Tlv | undefined): string | undefined {
  return hexOf(chip?.get(TAG.pan))?.replace(/F+$/, '');
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').toUpperCase();
}

/** Field 23 has three digits, tag 5F34 two. */
function sequenceOf(message: Message, chip: Tlv | undefined): string {
  return message.text(23)?.slice(-2) ?? hexOf(chip?.get(TAG.sequence)) ?? '00';
}

function cashbackOf(message: Message): number {
  const text = message.text(54);
  if (text === undefined) return 0;
  for (const [, , type, , , amount] of text.matchAll(ADDITIONAL_AMOUNT)) {
    if (type === CASHBACK) return Number(amount);
  }
  return 0;
}

/** The last two characters of field 43: name 23 or 25, city 13, country 2. */
function countryOf(nameAndPlace: string | undefined): string {
  if (nameAndPlace === undefined || nameAndPlace.length < 38) return '';
  const country = nameAndPlace.trimEnd().slice(-2);
  return /^[A-Z]{2}$/.test(country) ? country : '';
}

function originalOf(message: Message): OriginalData | undefined {
  const text = message.text(message.spec.version === '1' ? 56 : 90);
  if (text === undefined) return undefined;
  const [, mti = '', stan = '', transmission = '', acquirer = ''] =
    message.spec.version === '1'
      ? // 1993: type 4, STAN 6, local time 12, acquirer LLVAR 11: the time is not DE7, so it cannot be used.
        (/^(\d{4})(\d{6})\d{12}\d{2}(\d{0})(\d{0,11})$/.exec(text) ?? [])
      : (/^(\d{4})(\d{6})(\d{10})(\d{11})\d{11}$/.exec(text) ?? []);
  return {
    mti,
    stan: zeroIsUnknown(stan),
    transmission: zeroIsUnknown(transmission),
    acquirer: withoutZeros(acquirer),
  };
}

/** An institution's number without the zeros that some write in front. */
export function withoutZeros(digits: string): string {
  return digits.startsWith('0') ? digits.replace(/^0+/, '') : digits;
}

function zeroIsUnknown(digits: string): string {
  return /^0*$/.test(digits) ? '' : digits;
}

/** Field 95 of 1987: four amounts, 12, 12, 9 and 9 digits; the first is what the transaction comes to. 1993: field 4 has it. */
function replacementOf(message: Message): number | undefined {
  const text = message.text(95);
  if (text === undefined || message.spec.version === '1') return undefined;
  const digits = text.slice(0, 12);
  if (!/^\d{12}$/.test(digits)) return Number.NaN;
  return /^[0 ]*$/.test(text) ? undefined : Number(digits);
}
