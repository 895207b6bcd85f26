import { readWord } from '../des.ts';
/**
 * The verification of an authorisation request cryptogram from the tags of field 55, and the answer to the card. Pure and
 * synchronous: keys, request and what was seen of the card go in, a verdict comes out.
 */
import { toHex } from '../bytes.ts';
import { type Tag, tagName } from '../../tlv/tlv.ts';

import { type AtcWindow, checkAtc } from './atc-window.ts';
import { type CardIdentity, CardKeys, type IssuerKey } from './card-keys.ts';
import { type Response, type ResponseCodes, respond } from './cryptogram.ts';
import { type IssuerApplicationData, readIssuerApplicationData } from './iad.ts';
import { rulesOf, type Scheme } from './schemes.ts';

/** In the order of precedence; the ATC verdicts say that the cryptogram itself is right. */
export const VERDICTS = [
  /** A tag is missing, or has the wrong length or content; `problem` says which. */
  'format',
  /** The card sent another cryptogram (9F27): TC, AAC or a referral. */
  'notArqc',
  /** It could not be tried: no key, or an algorithm that is not supported. */
  'technical',
  /** The cryptogram is not that of this card over this data. */
  'invalid',
  /** The cryptogram is right, but TVR or CVR say what the issuer refuses, or that the card itself did not go online. */
  'tvrCvrInvalid',
  'atcReplayed',
  'atcOutOfRange',
  /** Far above the last one: ask for more, or review. */
  'atcJump',
  'ok',
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** Tags of field 55 by their numbers, such as 0x9F26: a Tlv is one, and a Map. */
export interface Tags {
  get(tag: Tag): Uint8Array | undefined;
}

/** Bits that must be zero in TVR (five bytes) and in CVR (as long as the scheme's; shorter masks look at the front only). */
export interface RefusedResults {
  readonly tvr?: Uint8Array;
  readonly cvr?: Uint8Array;
}

export interface ArqcRequest extends CardIdentity {
  readonly tags: Tags;
  /** Only this scheme is accepted; left out, the IAD tells. */
  readonly scheme?: Scheme | undefined;
  /** What was seen of the card; left out, the counter is not judged. */
  readonly atcWindow?: AtcWindow;
  readonly atcJumpMax?: number;
  readonly refused?: RefusedResults;
  /** Codes of an answer that is known already; otherwise `respondTo` makes it after the decision. */
  readonly codes?: ResponseCodes | undefined;
}

export interface ArqcResult {
  readonly verdict: Verdict;
  /** What is wrong, without any value of the card; absent when nothing is. */
  readonly problem?: string | undefined;
  readonly scheme?: Scheme;
  readonly atc?: number;
  /** The window to keep: after `ok`, and after `atcJump` once the jump is accepted. */
  readonly atcWindow?: AtcWindow | undefined;
  readonly response?: Response | undefined;
}

/** Fields of the data in their order, with their lengths; the tail of the scheme follows. */
const DATA = [
  [0x9f02, 6],
  [0x9f03, 6],
  [0x9f1a, 2],
  [0x95, 5],
  [0x5f2a, 2],
  [0x9a, 3],
  [0x9c, 1],
  [0x9f37, 4],
  [0x82, 2],
  [0x9f36, 2],
] as const;

const PAN = /^\d{12,19}$/;
const PSN = /^\d\d$/;
const ARQC_TYPE = 0x80;
const TYPE_BITS = 0xc0;
/** Bits 6 and 5 of the CVR: what the card answered to the first GENERATE AC; 10 is an ARQC. */
const DECISION_BITS = 0x30;
const DECISION_ARQC = 0x20;
/** PBOC: the byte after the CVR names the algorithm; 04 is SM4. */
const PBOC_ALGORITHM_AT = 7;
const PBOC_SM4 = 0x04;
/** 33 bytes of fields, at most 32 of the IAD, and padding. */
const DATA_BYTES_MAX = 80;
const NO_UN = new Uint8Array(4);

/** Verifies one request at a time, in buffers of its own: one verifier for each thread is enough. */
export class ArqcVerifier {
  readonly #keys = new CardKeys();
  readonly #data = new Uint8Array(DATA_BYTES_MAX);

  verify(issuer: IssuerKey | undefined, request: ArqcRequest): ArqcResult {
    const { tags } = request;
    const cryptogram = tags.get(0x9f26);
    const type = tags.get(0x9f27);
    const atcBytes = tags.get(0x9f36);
    const iad = tags.get(0x9f10);
    if (!PAN.test(request.pan)) return malformed('the PAN must be 12 to 19 digits');
    if (!PSN.test(request.psn)) return malformed('the PAN sequence number must be 2 digits');
    if (cryptogram?.length !== 8) return malformed(lengthProblem(0x9f26, 8, cryptogram));
    if (type?.length !== 1) return malformed(lengthProblem(0x9f27, 1, type));
    if (atcBytes?.length !== 2) return malformed(lengthProblem(0x9f36, 2, atcBytes));
    if (iad === undefined) return malformed('tag 9F10 is missing');
    const parts = readIssuerApplicationData(iad, request.scheme);
    if (!parts.ok) return malformed(parts.problem);
    const { scheme } = parts;
    const length = this.#collect(tags, iad, parts);
    if (typeof length === 'string') return malformed(length);
    const atc = ((atcBytes[0] ?? 0) << 8) | (atcBytes[1] ?? 0);
    if (((type[0] ?? 0) & TYPE_BITS) !== ARQC_TYPE) {
      return { verdict: 'notArqc', problem: `9F27 says ${typeName(type[0] ?? 0)}, not ARQC`, scheme, atc };
    }
    if (issuer === undefined) return { verdict: 'technical', problem: 'there is no key for this card', scheme, atc };
    if (scheme === 'pboc' && iad[PBOC_ALGORITHM_AT] === PBOC_SM4) {
      return { verdict: 'technical', problem: 'the card uses SM4, which is not supported', scheme, atc };
    }

    this.#keys.prepare(issuer, request, rulesOf(scheme).session, atcBytes, tags.get(0x9f37) ?? NO_UN);
    const mac = this.#keys.mac(this.#data, length);
    const difference = ((mac[0] ?? 0) ^ readWord(cryptogram, 0)) | ((mac[1] ?? 0) ^ readWord(cryptogram, 4));
    if (difference !== 0) {
      this.#wipe();
      return { verdict: 'invalid', problem: 'the cryptogram does not belong to this card and data', scheme, atc };
    }
    const { codes } = request;
    const response = codes === undefined ? undefined : respond(this.#keys, scheme, cryptogram, codes);
    this.#wipe();
    const { verdict, problem, atcWindow } = judged(request, parts, iad, atc);
    return { verdict, problem, scheme, atc, atcWindow, response };
  }

  /** The answer to the card after the decision. The request must have had a verdict that is not `format`. */
  respondTo(issuer: IssuerKey, request: ArqcRequest, codes: ResponseCodes): Response {
    const { tags } = request;
    const cryptogram = tags.get(0x9f26);
    const atc = tags.get(0x9f36);
    const iad = tags.get(0x9f10);
    const parts = iad === undefined ? undefined : readIssuerApplicationData(iad, request.scheme);
    if (cryptogram?.length !== 8 || atc?.length !== 2 || parts?.ok !== true) {
      return { ok: false, problem: 'tags 9F26, 9F36 and 9F10 of the request are needed for an answer' };
    }
    const un = tags.get(0x9f37);
    this.#keys.prepare(issuer, request, rulesOf(parts.scheme).session, atc, un?.length === 4 ? un : NO_UN);
    const response = respond(this.#keys, parts.scheme, cryptogram, codes);
    this.#wipe();
    return response;
  }

  /** Writes the data with its padding. Returns its length, or what is wrong. */
  #collect(tags: Tags, iad: Uint8Array, parts: IssuerApplicationData & { ok: true }): number | string {
    const data = this.#data.fill(0);
    let at = 0;
    for (const [tag, bytes] of DATA) {
      const value = tags.get(tag);
      if (value?.length === bytes) data.set(value, at);
      // Terminals leave out the other amount when there is none; the card then had zeros.
      else if (value !== undefined || tag !== 0x9f03) return lengthProblem(tag, bytes, value);
      at += bytes;
    }
    const rules = rulesOf(parts.scheme);
    const isSplit = rules.tail === 'cvrAndCounters';
    for (let from = parts.tailFrom; from < parts.tailTo; from++) {
      if (isSplit && from >= DYNAMIC_NUMBER_FROM && from < COUNTERS_FROM) continue;
      data[at++] = iad[from] ?? 0;
    }
    if (rules.padding === 2) data[at++] = 0x80;
    return Math.ceil(at / 8) * 8;
  }

  #wipe(): void {
    this.#keys.wipe();
    this.#data.fill(0);
  }
}

/** M/Chip: two bytes of DAC or dynamic number stand between the CVR and the counters, and are not part of the data. */
const DYNAMIC_NUMBER_FROM = 8;
const COUNTERS_FROM = 10;

/** What is said of a request whose cryptogram is right. */
function judged(
  request: ArqcRequest,
  parts: IssuerApplicationData & { ok: true },
  iad: Uint8Array,
  atc: number,
): ArqcResult {
  const decision = parts.decisionAt < 0 ? DECISION_ARQC : (iad[parts.decisionAt] ?? 0) & DECISION_BITS;
  if (decision !== DECISION_ARQC) {
    return { verdict: 'tvrCvrInvalid', problem: 'by its CVR the card did not ask to go online' };
  }
  const refused = refusedIn(request.tags.get(0x95), request.refused?.tvr, 'TVR');
  const refusedByCard = refusedIn(iad.subarray(parts.cvrFrom, parts.cvrTo), request.refused?.cvr, 'CVR');
  const problem = refused ?? refusedByCard;
  if (problem !== undefined) return { verdict: 'tvrCvrInvalid', problem };
  if (request.atcWindow === undefined) return { verdict: 'ok' };
  const { state, next } = checkAtc(request.atcWindow, atc, request.atcJumpMax);
  switch (state) {
    case 'fresh':
      return { verdict: 'ok', atcWindow: next };
    case 'jump':
      return { verdict: 'atcJump', problem: 'the ATC is far above the last one', atcWindow: next };
    case 'replayed':
      return { verdict: 'atcReplayed', problem: 'this ATC was used before', atcWindow: next };
    case 'outOfRange':
      return { verdict: 'atcOutOfRange', problem: 'the ATC is below those that are accepted', atcWindow: next };
  }
}

function refusedIn(results: Uint8Array | undefined, mask: Uint8Array | undefined, name: string): string | undefined {
  if (mask === undefined || results === undefined) return undefined;
  const length = Math.min(mask.length, results.length);
  for (let at = 0; at < length; at++) {
    const bits = (results[at] ?? 0) & (mask[at] ?? 0);
    if (bits !== 0) return `the ${name} has bits ${toHex(Uint8Array.of(bits))} in byte ${at + 1}, which are refused`;
  }
  return undefined;
}

function malformed(problem: string): ArqcResult {
  return { verdict: 'format', problem };
}

function lengthProblem(tag: Tag, expected: number, value: Uint8Array | undefined): string {
  const name = tagName(tag);
  return value === undefined ? `tag ${name} is missing` : `tag ${name} has ${value.length} bytes, expected ${expected}`;
}

/** EMV Book 3, table 14. */
function typeName(type: number): string {
  return ['AAC', 'TC', 'ARQC', 'a reserved type'][type >> 6] ?? '';
}
