/** Cryptograms over data that is given as a whole, as a terminal, a card simulator or a person with a tool makes them. */
import { concat } from '../bytes.ts';
import { pad } from '../padding.ts';
import { writeBlock } from '../triple-des.ts';
import { CardKeys, type Derivation, IssuerKey } from './card-keys.ts';
import { rulesOf, type Scheme } from './schemes.ts';

export interface CryptogramKeys {
  readonly scheme: Scheme;
  /** The issuer master key, 16 bytes. */
  readonly imk: Uint8Array;
  readonly derivation?: Derivation;
  readonly pan: string;
  readonly psn: string;
  /** 9F36, two bytes. */
  readonly atc: Uint8Array;
  /** 9F37, four bytes. */
  readonly un: Uint8Array;
}

/** What the issuer answers to the card: schemes take the response code, or the status update with what may follow it. */
export interface ResponseCodes {
  /** Authorisation (or ARPC) response code: two bytes. */
  readonly arc?: Uint8Array;
  /** Card status update: four bytes. */
  readonly csu?: Uint8Array;
  /** Proprietary authentication data after the status update: at most eight bytes. */
  readonly proprietary?: Uint8Array;
}

export type Response =
  | {
      readonly ok: true;
      readonly arpc: Uint8Array;
      /** The value of tag 91. */
      readonly tag91: Uint8Array;
    }
  | { readonly ok: false; readonly problem: string };

const NOTHING = new Uint8Array(0);
/** One card at a time. */
const CARD_KEYS = new CardKeys();

/** The cryptogram over `data`, which is the whole input before padding. The session key is for tools that show it. */
export function makeCryptogram(keys: CryptogramKeys, data: Uint8Array): { arqc: Uint8Array; sessionKey: string } {
  const card = prepared(keys);
  const padded = pad(data, rulesOf(keys.scheme).padding);
  const arqc = new Uint8Array(8);
  writeBlock(card.mac(padded, padded.length), arqc, 0);
  const sessionKey = card.revealSessionKey();
  card.wipe();
  return { arqc, sessionKey };
}

/** The answer to a cryptogram of eight bytes. */
export function makeResponse(keys: CryptogramKeys, arqc: Uint8Array, codes: ResponseCodes): Response {
  const card = prepared(keys);
  const response = respond(card, keys.scheme, arqc, codes);
  card.wipe();
  return response;
}

/** The answer under keys that are prepared already (EMV Book 2, 8.2). */
export function respond(keys: CardKeys, scheme: Scheme, arqc: Uint8Array, codes: ResponseCodes): Response {
  const rules = rulesOf(scheme);
  if (rules.arpc === 1) {
    const { arc } = codes;
    if (arc?.length !== 2) return { ok: false, problem: `${scheme} answers with a response code (ARC) of 2 bytes` };
    const arpc = keys.response(arqc, arc, rules.arpcKey);
    return { ok: true, arpc, tag91: concat(arpc, arc) };
  }
  const { csu, proprietary = NOTHING } = codes;
  if (csu?.length !== 4) return { ok: false, problem: `${scheme} answers with a card status update (CSU) of 4 bytes` };
  if (proprietary.length > 8) {
    return { ok: false, problem: `at most 8 bytes of proprietary data, not ${proprietary.length}` };
  }
  const padded = pad(concat(arqc, csu, proprietary), 2);
  const mac = new Uint8Array(8);
  writeBlock(keys.mac(padded, padded.length), mac, 0);
  const arpc = mac.slice(0, 4);
  return { ok: true, arpc, tag91: concat(arpc, csu, proprietary) };
}

function prepared({ scheme, imk, derivation, pan, psn, atc, un }: CryptogramKeys): CardKeys {
  CARD_KEYS.prepare(new IssuerKey(imk, derivation), { pan, psn }, rulesOf(scheme).session, atc, un);
  return CARD_KEYS;
}
