/**
 * A card made of test keys: it counts its transactions, makes real cryptograms with every scheme, and checks the issuer's
 * answer. With what a terminal adds to it, a tap becomes the card's fields of a message (ISO 8583:1987).
 */
import { concat, equalInConstantTime } from '../crypto/bytes.ts';
import { ATC_MAX } from '../crypto/emv/atc-window.ts';
import type { Derivation } from '../crypto/emv/card-keys.ts';
import { type CryptogramKeys, makeCryptogram, makeResponse } from '../crypto/emv/cryptogram.ts';
import { rulesOf, type Scheme } from '../crypto/emv/schemes.ts';
import { encodePinBlock, type Pin } from '../crypto/pin/pin-block.ts';
import { findTag, Tlv } from '../tlv/tlv.ts';

export interface CardData {
  readonly scheme: Scheme;
  /** 12 to 19 digits. */
  readonly pan: string;
  /** Two digits. */
  readonly psn: string;
  /** YYMM. */
  readonly expiry: string;
  /** The issuer master key, 16 bytes. */
  readonly imk: Uint8Array;
  readonly derivation?: Derivation;
  /** Transactions before the first tap. */
  readonly atc?: number;
}

export interface TapRequest {
  readonly amountMinor: number;
  /** Cashback, which the amount includes. */
  readonly otherAmountMinor?: number;
  /** Numeric, three digits (ISO 4217 and ISO 3166). */
  readonly currency: string;
  readonly country: string;
  /** YYMMDD. */
  readonly date: string;
  /** Two digits, as at the beginning of DE3. */
  readonly type: string;
  /** Four bytes. */
  readonly unpredictableNumber: Uint8Array;
  readonly contactless: boolean;
  /** The holder was verified on the device that holds the card. */
  readonly cdcvm: boolean;
  /** Goes online in DE52: a block of format 0 under the terminal's key (16 or 24 bytes). */
  readonly pin?: { readonly digits: Pin; readonly key: Uint8Array };
}

/** DE2, 14, 22, 23, 35, 55 and, with a PIN, 52. */
export type CardFields = ReadonlyMap<number, string | Uint8Array>;

export type Tap =
  | { readonly ok: true; readonly fields: CardFields; readonly atc: number }
  /** The counter is used up, or the PIN is none. */
  | { readonly ok: false; readonly problem: string };

/** Issuer application data by scheme: key index 01, results that say that the card asked to go online, counters of zero. */
const IADS: Readonly<Record<Scheme, string>> = {
  'visa-cvn10': '06010A03A00000',
  'visa-cvn18': '06011203A00000',
  'visa-cvn22': `1F2201A000000000${'00'.repeat(24)}`,
  'mchip-cvn16': `0110A00003220000${'00'.repeat(10)}`,
  'mchip-cvn17': `0111A00003220000${'00'.repeat(10)}`,
  'mchip-cvn20': `0114A00003220000${'00'.repeat(10)}`,
  'mchip-cvn21': `0115A00003220000${'00'.repeat(12)}`,
  pboc: '07010103A00000010A0100',
};

/** Application identifiers by the beginning of the scheme's name. */
const AIDS: readonly (readonly [prefix: string, aid: string])[] = [
  ['visa', 'A0000000031010'],
  ['mchip', 'A0000000041010'],
  ['pboc', 'A000000333010101'],
];

/** 9F34: verified online, on the device, not at all (EMV Book 4, annex A4; on the device as contactless kernels tell it). */
const CVM = { online: '020300', device: '010002', none: '1F0302' } as const;
const SERVICE_CODE = '201';
const ISSUER_AUTHENTICATION = 0x91;

export class VirtualCard {
  readonly #data: CardData;
  #atc: number;
  /** Of the last tap: what the answer of the issuer is checked with. */
  #last: { readonly keys: CryptogramKeys; readonly arqc: Uint8Array } | undefined;

  constructor(data: CardData) {
    this.#data = data;
    this.#atc = data.atc ?? 0;
  }

  get pan(): string {
    return this.#data.pan;
  }

  get atc(): number {
    return this.#atc;
  }

  /** One transaction. Its counter is used up also when nobody answers. */
  tap(request: TapRequest): Tap {
    const { pan, psn, expiry, scheme } = this.#data;
    if (this.#atc >= ATC_MAX) return { ok: false, problem: 'the transaction counter of the card is used up' };
    const block = pinBlock(request, pan);
    if (typeof block === 'string') return { ok: false, problem: block };
    this.#atc++;
    const chip = this.#chip(request, block !== undefined);
    const fields = new Map<number, string | Uint8Array>([
      [2, pan],
      [14, expiry],
      // The terminal can take a PIN: 1.
      [22, request.contactless ? '071' : '051'],
      [23, psn.padStart(3, '0')],
      [35, `${pan}=${expiry}${SERVICE_CODE}0000000000`.slice(0, 37)],
      [55, chip.set(0x84, bytesOf(aidOf(scheme))).encode()],
    ]);
    if (block !== undefined) fields.set(52, block);
    return { ok: true, fields, atc: this.#atc };
  }

  /** Whether DE55 of an answer proves that it is from the issuer and for the last tap; `missing` without tag 91. */
  checkAnswer(chip: Uint8Array | undefined): 'right' | 'wrong' | 'missing' {
    const proof = chip === undefined ? undefined : findTag(chip, ISSUER_AUTHENTICATION);
    if (proof === undefined || this.#last === undefined) return 'missing';
    const { keys, arqc } = this.#last;
    const codes =
      rulesOf(keys.scheme).arpc === 1
        ? { arc: proof.subarray(8) }
        : { csu: proof.subarray(4, 8), proprietary: proof.subarray(8) };
    const expected = makeResponse(keys, arqc, codes);
    return expected.ok && equalInConstantTime(expected.tag91, proof) ? 'right' : 'wrong';
  }

  /** The tags of field 55, with the cryptogram over them. */
  #chip(request: TapRequest, hasPin: boolean): Tlv {
    const { scheme, pan, psn, imk, derivation } = this.#data;
    const iad = bytesOf(IADS[scheme]);
    const atc = Uint8Array.of(this.#atc >> 8, this.#atc & 0xff);
    const method = hasPin ? CVM.online : request.cdcvm ? CVM.device : CVM.none;
    const covered: readonly (readonly [tag: number, value: Uint8Array])[] = [
      [0x9f02, bytesOf(digits(request.amountMinor, 12))],
      [0x9f03, bytesOf(digits(request.otherAmountMinor ?? 0, 12))],
      [0x9f1a, bytesOf(request.country.padStart(4, '0'))],
      [0x95, bytesOf(hasPin ? '0000040000' : '0000000000')],
      [0x5f2a, bytesOf(request.currency.padStart(4, '0'))],
      [0x9a, bytesOf(request.date)],
      [0x9c, bytesOf(request.type)],
      [0x9f37, request.unpredictableNumber],
      [0x82, bytesOf(request.contactless ? '2000' : '3800')],
      [0x9f36, atc],
    ];
    const keys: CryptogramKeys = {
      scheme,
      imk,
      ...(derivation === undefined ? {} : { derivation }),
      pan,
      psn,
      atc,
      un: request.unpredictableNumber,
    };
    const data = concat(...covered.map(([, value]) => value), tailOf(scheme, iad));
    const { arqc } = makeCryptogram(keys, data);
    this.#last = { keys, arqc };
    const tlv = new Tlv().set(0x9f26, arqc).set(0x9f27, Uint8Array.of(0x80)).set(0x9f10, iad);
    for (const [tag, value] of covered) tlv.set(tag, value);
    tlv.set(0x9f33, bytesOf('E0F8C8')).set(0x9f34, bytesOf(method)).set(0x9f35, bytesOf('22'));
    tlv
      .set(0x9f09, bytesOf('0096'))
      .set(0x5f34, bytesOf(psn))
      .set(0x9f41, bytesOf(digits(this.#atc, 8)));
    tlv.set(0x9f1e, Buffer.from('00000001', 'latin1'));
    return request.contactless ? tlv.set(0x9f66, bytesOf('36004000')).set(0x9f6e, bytesOf('20700000')) : tlv;
  }
}

/** What follows 9F36 in the data of the cryptogram, cut from the IAD as the card's own software does. */
function tailOf(scheme: Scheme, iad: Uint8Array): Uint8Array {
  switch (rulesOf(scheme).tail) {
    case 'cvrWithLength':
      return iad.subarray(3, 7);
    case 'cvr':
      return iad.subarray(2, 8);
    case 'cvrAndCounters':
      return concat(iad.subarray(2, 8), iad.subarray(10));
    case 'iad':
      return iad;
  }
}

/** Undefined without a PIN; a text says what is wrong with it. */
function pinBlock({ pin }: TapRequest, pan: string): Uint8Array | string | undefined {
  if (pin === undefined) return undefined;
  const block = encodePinBlock(0, pin.digits, pan, pin.key);
  return block.ok ? block.value : block.problem;
}

function aidOf(scheme: Scheme): string {
  return AIDS.find(([prefix]) => scheme.startsWith(prefix))?.[1] ?? '';
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
