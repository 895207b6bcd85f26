/**
 * What a card and its holder prove: the cryptogram over the payment, and the PIN. Both are looked at without any state; what was seen of
 * a card before (its counter, wrong PINs) is judged where the card lives.
 */
import { parseId } from '../../../protocol/ids.ts';
import type { Response, ResponseCodes } from '../crypto/emv/cryptogram.ts';
import type { ArqcRequest, Verdict } from '../crypto/emv/verify.ts';
import type { PinBlockFormat } from '../crypto/pin/pin-block.ts';
import type { EncryptedPin, KeyVault, PinCheck } from '../crypto/vault/key-vault.ts';
import type { Tlv } from '../tlv/tlv.ts';
import type { CardRequest } from './card-request.ts';
import type { OwnRange, PinRule } from './card-ranges.ts';

/** How PINs are encrypted on a link. */
export interface TerminalPins {
  /** A zone key (usage P0), or the base key of DUKPT (B0). */
  readonly key: string;
  readonly format: PinBlockFormat;
  /** The key serial number is in field 53. */
  readonly dukpt: boolean;
}

export interface CryptogramFinding {
  /** `absent`: the message has none; `technical`: it cannot be judged here. */
  readonly verdict: 'absent' | 'valid' | 'invalid' | 'technical';
  /** 9F36; 0 when there is none. */
  readonly counter: number;
  /** For the log. */
  readonly problem: string | undefined;
  /** The answer for the card if the payment is approved: made along with the verification, it costs half as much. */
  readonly approval?: Response | undefined;
}

/** `technical`: the PIN could not be looked at, for want of a key or a readable block. */
export type PinFinding = 'absent' | 'right' | 'wrong' | 'technical';

/** How the holder was verified (EMV Book 4, annex A4; contactless kernels: 9F34 and 9F6C). */
export type Verification = 'none' | 'signature' | 'offlinePin' | 'onlinePin' | 'device';

const APPROVED = '00';
const VALID: ReadonlySet<Verdict> = new Set(['ok', 'atcReplayed', 'atcOutOfRange', 'atcJump']);
const COUNTER = 0x9f36;
const CVM_RESULTS = 0x9f34;
const CRYPTOGRAM = 0x9f26;
const AMOUNT = 0x9f02;
const OTHER_AMOUNT = 0x9f03;
const CURRENCY = 0x5f2a;
/** Visa's form factor and consumer device CVM: card transaction qualifiers, byte 2, bit 8. */
const CARD_QUALIFIERS = 0x9f6c;
const DEVICE_VERIFIED = 0x80;

/** The low six bits of the first byte of 9F34 (EMV Book 3, annex C3). */
const CVM_CODES: ReadonlyMap<number, Verification> = new Map([
  [0x01, 'offlinePin'],
  [0x02, 'onlinePin'],
  [0x03, 'offlinePin'],
  [0x04, 'offlinePin'],
  [0x05, 'offlinePin'],
  [0x1e, 'signature'],
  [0x1f, 'none'],
]);
/** Third byte of 9F34: the last check was successful (2), or is not known (0, as for signature and online PIN). */
const CVM_FAILED = 1;

/** What a card is known by; undefined when the key cannot make it. */
export async function cardToken(vault: KeyVault, keyId: string, pan: string): Promise<bigint | undefined> {
  const made = await vault.tokenOf(keyId, pan);
  return made.ok ? parseId(made.token.token) : undefined;
}

function arqcRequest({ pan, sequence }: CardRequest, tags: Tlv, range: OwnRange, codes?: ResponseCodes): ArqcRequest {
  return { pan, psn: sequence, tags, scheme: range.scheme, codes };
}

/** Verifies the cryptogram of a card of our own. */
export async function verifyCryptogram(
  vault: KeyVault,
  request: CardRequest,
  range: OwnRange,
): Promise<CryptogramFinding> {
  const { tags } = request;
  if (tags === undefined || !tags.has(CRYPTOGRAM)) return { verdict: 'absent', counter: 0, problem: undefined };
  const counter = counterOf(tags);
  if (range.cryptogramKey === undefined) {
    return { verdict: 'technical', counter, problem: 'there is no key for cryptograms of this range' };
  }
  const other = otherPayment(request, tags);
  if (other !== undefined) return { verdict: 'invalid', counter, problem: other };
  if (counter === 0) return { verdict: 'invalid', counter, problem: 'the card has counted no transaction (9F36)' };
  const asked = arqcRequest(request, tags, range, codesOf(APPROVED));
  const { verdict, problem, response } = await vault.verifyArqc(range.cryptogramKey, asked);
  if (verdict === 'technical') return { verdict, counter, problem };
  return { verdict: VALID.has(verdict) ? 'valid' : 'invalid', counter, problem, approval: response };
}

/**
 * In what the payment differs from the one that the card has signed; undefined when it is the same. Without this, a right cryptogram
 * could be sent along with another amount.
 */
function otherPayment({ amount, currency, cashback, family }: CardRequest, tags: Tlv): string | undefined {
  // What an advice tells was decided before, and may come to less than what the card has seen.
  if (family !== 'authorisation' && family !== 'financial') return undefined;
  if (numberIn(tags, AMOUNT) !== amount) return 'the card has signed another amount (9F02) than that of field 4';
  if (numberIn(tags, CURRENCY) !== currency) return 'the card has signed another currency (5F2A) than that of field 49';
  if (numberIn(tags, OTHER_AMOUNT) !== cashback)
    return 'the card has signed another cash amount (9F03) than that of field 54';
  return undefined;
}

/** A number in BCD; 0 when it is not there, NaN when it is none. */
function numberIn(tags: Tlv, tag: number): number {
  const bytes = tags.get(tag);
  if (bytes === undefined) return 0;
  let value = 0;
  for (const byte of bytes) {
    if (byte > 0x99 || (byte & 15) > 9) return Number.NaN;
    value = value * 100 + (byte >> 4) * 10 + (byte & 15);
  }
  return value;
}

/**
 * The answer for the card (tag 91, and 8A with the response code) once its payment is decided; nothing when it cannot be made.
 *
 * @param approval what `verifyCryptogram` has made for an approval
 */
export async function answerCard(
  vault: KeyVault,
  request: CardRequest,
  range: OwnRange,
  responseCode: string,
  approval?: Response,
): Promise<Uint8Array | undefined> {
  const { tags } = request;
  if (tags === undefined || range.cryptogramKey === undefined) return undefined;
  const codes = codesOf(responseCode);
  const answer =
    responseCode === APPROVED && approval !== undefined
      ? approval
      : await vault.respond(range.cryptogramKey, arqcRequest(request, tags, range), codes);
  if (!answer.ok) return undefined;
  const { tag91 } = answer;
  const field = Buffer.allocUnsafe(tag91.length + 6);
  field[0] = 0x91;
  field[1] = tag91.length;
  field.set(tag91, 2);
  field[tag91.length + 2] = 0x8a;
  field[tag91.length + 3] = 2;
  field.set(codes.arc, tag91.length + 4);
  return field;
}

function codesOf(responseCode: string): ResponseCodes & { readonly arc: Uint8Array } {
  return { arc: Buffer.from(responseCode, 'latin1'), csu: cardStatusUpdate(responseCode) };
}

/** Common core CSU (EMV Book 3, annex C10): byte 2, bit 8 tells the card that its payment is approved. */
function cardStatusUpdate(responseCode: string): Uint8Array {
  return Uint8Array.of(0, responseCode === '00' || responseCode === '10' ? 0x80 : 0, 0, 0);
}

function counterOf(tags: Tlv): number {
  const bytes = tags.get(COUNTER);
  return bytes?.length === 2 ? ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0) : 0;
}

/** Verifies the PIN of a card of our own. Neither block nor PIN is kept. */
export async function verifyPin(
  vault: KeyVault,
  request: CardRequest,
  range: OwnRange,
  pins: TerminalPins | undefined,
): Promise<{ readonly finding: PinFinding; readonly problem?: string }> {
  const { pinBlock } = request;
  if (pinBlock === undefined) return { finding: 'absent' };
  if (pins === undefined) return { finding: 'technical', problem: 'the link has no key for PINs' };
  if (range.pin === undefined) return { finding: 'technical', problem: 'PINs of this range are not verified here' };
  const check = pinCheck(range.pin, request);
  if (check === undefined) return { finding: 'technical', problem: 'track 2 has nothing to verify a PIN against' };
  const encrypted = encryptedPin(request, pinBlock, pins);
  if (encrypted === undefined) return { finding: 'technical', problem: NO_SERIAL_NUMBER };
  const result = await vault.verifyPin(encrypted, check);
  if (result.ok) return { finding: result.matches ? 'right' : 'wrong' };
  // A block that is none comes of a wrong PIN key or of guessing: nothing that a holder has typed.
  return { finding: 'technical', problem: result.problem };
}

const NO_SERIAL_NUMBER = 'field 53 has no key serial number';

/** Undefined when the key of the transaction is not named. */
function encryptedPin(
  { pan, security }: CardRequest,
  block: Uint8Array,
  { key: keyId, format, dukpt }: TerminalPins,
): EncryptedPin | undefined {
  if (!dukpt) return { keyId, format, block, pan };
  return security === undefined ? undefined : { keyId, format, block, pan, ksn: security };
}

/** The PIN block of a message for an issuer, under its key; undefined when there is none, a text when it cannot be made. */
export async function translatedPin(
  vault: KeyVault,
  request: CardRequest,
  from: TerminalPins | undefined,
  to: TerminalPins | undefined,
): Promise<Uint8Array | undefined | string> {
  const { pinBlock } = request;
  if (pinBlock === undefined) return undefined;
  if (from === undefined) return 'the link has no key for PINs';
  if (to === undefined) return 'the link to the issuer has no key for PINs';
  const encrypted = encryptedPin(request, pinBlock, from);
  if (encrypted === undefined) return NO_SERIAL_NUMBER;
  const result = await vault.translatePin(encrypted, { keyId: to.key, format: to.format });
  return result.ok ? result.block : result.problem;
}

/** What stands on track 2 behind the service code of three digits. */
function pinCheck(rule: PinRule, { trackRest, pan }: CardRequest): PinCheck | undefined {
  const digits = trackRest?.slice(SERVICE_CODE_DIGITS + rule.at) ?? '';
  if (rule.method === 'pvv') {
    const [, index, pvv] = /^(\d)(\d{4})/.exec(digits) ?? [];
    return index === undefined || pvv === undefined
      ? undefined
      : { keyId: rule.key, method: 'pvv', keyIndex: Number(index), pvv };
  }
  const [offset] = /^\d{4}/.exec(digits) ?? [];
  const validationData = pan.slice(rule.validationFrom, rule.validationFrom + rule.validationDigits).padEnd(16, 'F');
  return offset === undefined ? undefined : { keyId: rule.key, method: 'ibm3624', offset, validationData };
}

const SERVICE_CODE_DIGITS = 3;

/** How the holder was verified, by what the terminal and the card say. */
export function verificationOf({ tags, pinBlock, entryMode }: CardRequest): Verification {
  if (pinBlock !== undefined) return 'onlinePin';
  const qualifiers = tags?.get(CARD_QUALIFIERS);
  if (qualifiers !== undefined && ((qualifiers[1] ?? 0) & DEVICE_VERIFIED) !== 0) return 'device';
  const [method = 0x1f, , result = 0] = tags?.get(CVM_RESULTS) ?? [];
  const verification = result === CVM_FAILED ? 'none' : (CVM_CODES.get(method & 0x3f) ?? 'none');
  // There is no PIN pad for the chip at a tap: M/Chip tells a check on the device as one of the card.
  return verification === 'offlinePin' && entryMode === 'contactless' ? 'device' : verification;
}
