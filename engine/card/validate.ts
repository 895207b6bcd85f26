/** Shapes of cards and uses: pure functions of the record, and not remembered. In order of precedence. */
import { CARD, CARD_USE, CardFlags, CardStates, CardVerifications } from '../../protocol/cards.ts';
import { Code } from '../../protocol/results.ts';
import { Channels } from '../../protocol/risk.ts';

const C = CARD.at;
const U = CARD_USE.at;
const STATES: ReadonlySet<number> = new Set(Object.values(CardStates));
const VERIFICATIONS: ReadonlySet<number> = new Set(Object.values(CardVerifications));
const CHANNELS: ReadonlySet<number> = new Set(Object.values(Channels));
const PROOFS_MAX = 0x0f;
const LAST_FOUR_MAX = 9999;
const AMOUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
/** The upper 32 bits of ids that only the engine gives. */
const RESERVED_PREFIX = 0xffff_ffff;

export function validateCard(card: DataView): number {
  if (card.getBigUint64(C.timestamp, true) !== 0n) return Code.timestampMustBeZero;
  const isSeen =
    card.getBigUint64(C.unverifiedSum, true) !== 0n ||
    card.getBigUint64(C.countersSeen, true) !== 0n ||
    card.getUint32(C.owner, true) !== 0 ||
    card.getUint16(C.counter, true) !== 0 ||
    card.getUint8(C.unverifiedCount) !== 0 ||
    card.getUint8(C.pinFailures) !== 0 ||
    card.getUint8(C.reserved) !== 0;
  if (isSeen) return Code.reservedField;
  if (isZero(card, C.token)) return Code.idMustNotBeZero;
  if (isZero(card, C.accountId)) return Code.accountIdMustNotBeZero;
  if (!STATES.has(card.getUint8(C.state))) return Code.cardStateUnknown;
  const isRight =
    isMonth(card.getUint16(C.expiry, true)) &&
    card.getUint16(C.lastFour, true) <= LAST_FOUR_MAX &&
    (card.getUint8(C.flags) & ~CardFlags.resetPin) === 0 &&
    card.getBigUint64(C.unverifiedAmountMax, true) <= AMOUNT_MAX &&
    card.getBigUint64(C.unverifiedSumMax, true) <= AMOUNT_MAX;
  return isRight ? Code.ok : Code.cardTermsInvalid;
}

export function validateUse(use: DataView): number {
  if (use.getBigUint64(U.timestamp, true) !== 0n) return Code.timestampMustBeZero;
  if (use.getUint8(U.reserved8) !== 0 || use.getBigUint64(U.reserved64, true) !== 0n) return Code.reservedField;
  if (isZero(use, U.id) || isZero(use, U.token)) return Code.idMustNotBeZero;
  if (use.getUint32(U.id + 12, true) === RESERVED_PREFIX) return Code.idReserved;
  const isRight =
    isMonth(use.getUint16(U.expiry, true)) &&
    CHANNELS.has(use.getUint8(U.channel)) &&
    VERIFICATIONS.has(use.getUint8(U.verification)) &&
    use.getUint8(U.proofs) <= PROOFS_MAX &&
    use.getBigUint64(U.amount, true) <= AMOUNT_MAX;
  return isRight ? Code.ok : Code.cardUseInvalid;
}

/** YYMM, or 0. */
function isMonth(yearAndMonth: number): boolean {
  const month = yearAndMonth % 100;
  return yearAndMonth === 0 || (yearAndMonth <= LAST_FOUR_MAX && month >= 1 && month <= 12);
}

function isZero(view: DataView, at: number): boolean {
  return view.getBigUint64(at, true) === 0n && view.getBigUint64(at + 8, true) === 0n;
}
