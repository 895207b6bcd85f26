/** Shapes of codes and devices: pure functions of the record, and not remembered. In order of precedence. */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import { CODE_DEVICE, CodeDeviceStates, PAYER_CODE, PAYER_CODE_LIMITS } from '../../protocol/payer-codes.ts';
import { Code } from '../../protocol/results.ts';
import { isZeroPair } from '../ledger/validate.ts';
import { fitsRange, isZeroId } from '../ledger/words.ts';
import { PayerCodeWord } from './event.ts';

/** `lifetimeS`, `codeTier` and what is reserved share a word. */
const LIFETIME_WORD = PAYER_CODE.at.lifetimeS >> 2;
const D = CODE_DEVICE.at;
const CODE_TIER_MAX = 4;
const AMOUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const STATES: ReadonlySet<number> = new Set(Object.values(CodeDeviceStates));

/** @param at word of the record */
export function validatePayerCode(words: Uint32Array, at: number): number {
  if (!isZeroPair(words, at + PayerCodeWord.timestamp)) return Code.timestampMustBeZero;
  const terms = words[at + LIFETIME_WORD] as number;
  const isSeen =
    !isZeroId(words, at + PayerCodeWord.paymentId) ||
    words[at + PayerCodeWord.owner] !== 0 ||
    terms >>> 24 !== 0 ||
    !isZeroPair(words, at + PayerCodeWord.reserved);
  if (isSeen) return Code.reservedField;
  if (words[at + PayerCodeWord.token + 3] !== ENGINE_ID_PREFIX) return Code.idReserved;
  if (isZeroId(words, at + PayerCodeWord.accountId)) return Code.accountIdMustNotBeZero;
  const lifetime = terms & 0xffff;
  const isRight =
    !isZeroId(words, at + PayerCodeWord.device) &&
    lifetime >= 1 &&
    lifetime <= PAYER_CODE_LIMITS.lifetimeMax &&
    isTier((terms >>> 16) & 0xff) &&
    fitsRange(words, at + PayerCodeWord.unconfirmedMax);
  return isRight ? Code.ok : Code.payerCodeTermsInvalid;
}

export function validateCodeDevice(device: DataView): number {
  if (device.getBigUint64(D.timestamp, true) !== 0n) return Code.timestampMustBeZero;
  const isSeen =
    device.getBigUint64(D.counter, true) !== 0n ||
    device.getUint32(D.owner, true) !== 0 ||
    device.getUint8(D.failures) !== 0 ||
    !isZero(device, D.keyA) ||
    !isZero(device, D.keyB) ||
    device.getBigUint64(D.reserved, true) !== 0n;
  if (isSeen) return Code.reservedField;
  if (device.getUint32(D.token + 12, true) !== ENGINE_ID_PREFIX) return Code.idReserved;
  if (isZero(device, D.accountId)) return Code.accountIdMustNotBeZero;
  const isRight =
    !isZero(device, D.device) &&
    STATES.has(device.getUint8(D.state)) &&
    isTier(device.getUint8(D.codeTier)) &&
    device.getUint8(D.enrols) <= 1 &&
    device.getBigUint64(D.unconfirmedMax, true) <= AMOUNT_MAX &&
    device.getBigUint64(D.amountMax, true) <= AMOUNT_MAX;
  return isRight ? Code.ok : Code.payerCodeTermsInvalid;
}

function isTier(tier: number): boolean {
  return tier >= 1 && tier <= CODE_TIER_MAX;
}

function isZero(view: DataView, at: number): boolean {
  return view.getBigUint64(at, true) === 0n && view.getBigUint64(at + 8, true) === 0n;
}
