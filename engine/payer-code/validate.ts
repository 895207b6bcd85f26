/** Shapes of codes and devices: pure functions of the record, and not remembered. In order of precedence. */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import { CODE_DEVICE, CodeDeviceStates, PAYER_CODE, PAYER_CODE_LIMITS } from '../../protocol/payer-codes.ts';
import { Code } from '../../protocol/results.ts';

const P = PAYER_CODE.at;
const D = CODE_DEVICE.at;
const CODE_TIER_MAX = 4;
const AMOUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const STATES: ReadonlySet<number> = new Set(Object.values(CodeDeviceStates));

export function validatePayerCode(code: DataView): number {
  if (code.getBigUint64(P.timestamp, true) !== 0n) return Code.timestampMustBeZero;
  const isSeen =
    !isZero(code, P.paymentId) ||
    code.getUint32(P.owner, true) !== 0 ||
    code.getUint8(P.reserved8) !== 0 ||
    code.getBigUint64(P.reserved, true) !== 0n;
  if (isSeen) return Code.reservedField;
  if (code.getUint32(P.token + 12, true) !== ENGINE_ID_PREFIX) return Code.idReserved;
  if (isZero(code, P.accountId)) return Code.accountIdMustNotBeZero;
  const lifetime = code.getUint16(P.lifetimeS, true);
  const isRight =
    !isZero(code, P.device) &&
    lifetime >= 1 &&
    lifetime <= PAYER_CODE_LIMITS.lifetimeMax &&
    isTier(code.getUint8(P.codeTier)) &&
    code.getBigUint64(P.unconfirmedMax, true) <= AMOUNT_MAX;
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
