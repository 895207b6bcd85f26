/** Whether a card may be used, and what its use leaves behind. Pure over one CARD and one CARD_USE. */
import { CARD, CARD_USE, CardProofs, CardStates, CardVerifications } from '../../protocol/cards.ts';
import { Code } from '../../protocol/results.ts';
import { noteCounter, type SeenCounters, whyNotCounted } from './counters.ts';

const C = CARD.at;
const U = CARD_USE.at;
const SUM_MAX = Number.MAX_SAFE_INTEGER;
const COUNT_MAX = 0xff;

/** In order of precedence. What follows the counter's check uses it up, approved or not. */
export function judgeUse(card: DataView, use: DataView, now: number, seen: SeenCounters): number {
  switch (card.getUint8(C.state)) {
    case CardStates.lost:
      return Code.cardLost;
    case CardStates.stolen:
      return Code.cardStolen;
    case CardStates.restricted:
      return Code.cardRestricted;
    case CardStates.closed:
      return Code.cardClosed;
  }
  const expiry = card.getUint16(C.expiry, true);
  if (expiry !== 0 && expiry < monthOf(now)) return Code.cardExpired;
  const told = use.getUint16(U.expiry, true);
  if (told !== 0 && expiry !== 0 && told !== expiry) return Code.cardExpiryDiffers;
  const channels = card.getUint16(C.channels, true);
  if (channels !== 0 && ((channels >>> use.getUint8(U.channel)) & 1) === 0) return Code.cardChannelNotAllowed;
  if (!isAllowed(card, C.device, use, U.device)) return Code.cardDeviceDiffers;
  if (!isAllowed(card, C.payeeAccountId, use, U.payeeAccountId)) return Code.cardPayeeNotAllowed;
  const proofs = use.getUint8(U.proofs);
  if (has(proofs, CardProofs.cryptogram) && !has(proofs, CardProofs.cryptogramValid)) return Code.cardCryptogramInvalid;
  const triesMax = card.getUint8(C.pinTriesMax);
  const isBlocked = triesMax !== 0 && card.getUint8(C.pinFailures) >= triesMax;
  if (has(proofs, CardProofs.pin) && isBlocked) return Code.cardPinBlocked;
  const counter = use.getUint16(U.counter, true);
  if (counter !== 0) {
    const floor = card.getUint16(C.counterFloor, true);
    const code = whyNotCounted(seen, counter, floor, card.getUint16(C.counterJumpMax, true));
    const isProven = code === Code.cardCounterJump && has(proofs, CardProofs.pinRight);
    if (code !== Code.ok && !isProven) return code;
  }
  if (has(proofs, CardProofs.pin) && !has(proofs, CardProofs.pinRight)) return Code.cardPinWrong;
  return isUnverified(use) && !mayGoUnverified(card, use) ? Code.cardVerificationNeeded : Code.ok;
}

/** Changes the card by what was decided of its use. */
export function applyUse(card: DataView, use: DataView, code: number, seen: SeenCounters): void {
  const isCounted = code === Code.ok || code === Code.cardPinWrong || code === Code.cardVerificationNeeded;
  if (!isCounted) return;
  const counter = use.getUint16(U.counter, true);
  if (counter !== 0) {
    noteCounter(seen, counter);
    card.setUint16(C.counter, seen.highest, true);
    card.setUint32(C.countersSeen, seen.low, true);
    card.setUint32(C.countersSeen + 4, seen.high, true);
  }
  const proofs = use.getUint8(U.proofs);
  if (code === Code.cardPinWrong) {
    card.setUint8(C.pinFailures, Math.min(COUNT_MAX, card.getUint8(C.pinFailures) + 1));
  } else if (has(proofs, CardProofs.pinRight)) {
    card.setUint8(C.pinFailures, 0);
  }
  if (code !== Code.ok) return;
  const goesOn = isUnverified(use);
  const sum = goesOn ? Math.min(SUM_MAX, number(card, C.unverifiedSum) + number(use, U.amount)) : 0;
  card.setBigUint64(C.unverifiedSum, BigInt(sum), true);
  card.setUint8(C.unverifiedCount, goesOn ? Math.min(COUNT_MAX, card.getUint8(C.unverifiedCount) + 1) : 0);
}

export function seenOf(card: DataView): SeenCounters {
  return {
    highest: card.getUint16(C.counter, true),
    low: card.getUint32(C.countersSeen, true),
    high: card.getUint32(C.countersSeen + 4, true),
  };
}

function isUnverified(use: DataView): boolean {
  return use.getUint8(U.verification) === CardVerifications.none;
}

function mayGoUnverified(card: DataView, use: DataView): boolean {
  const amount = number(use, U.amount);
  const isWithin = (max: number, value: number): boolean => max === 0 || value <= max;
  return (
    isWithin(number(card, C.unverifiedAmountMax), amount) &&
    isWithin(number(card, C.unverifiedSumMax), number(card, C.unverifiedSum) + amount) &&
    isWithin(card.getUint8(C.unverifiedCountMax), card.getUint8(C.unverifiedCount) + 1)
  );
}

/** Whether the id that the card names is the use's, or it names none. */
function isAllowed(card: DataView, at: number, use: DataView, useAt: number): boolean {
  const low = card.getBigUint64(at, true);
  const high = card.getBigUint64(at + 8, true);
  if (low === 0n && high === 0n) return true;
  return low === use.getBigUint64(useAt, true) && high === use.getBigUint64(useAt + 8, true);
}

function number(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** Year and month in two digits each, as a number. A card is good until the end of its month, in UTC. */
function monthOf(now: number): number {
  const date = new Date(now / 1000);
  return (date.getUTCFullYear() % 100) * 100 + date.getUTCMonth() + 1;
}
