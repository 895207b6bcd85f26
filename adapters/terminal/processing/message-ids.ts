/**
 * The ids of payments and operations that card messages ask for. An id is a function of what tells a message from every other
 * (link, DE32, DE41, DE11, DE7 and the class of the message), so that a repeat has the id of what it repeats, and the switch answers
 * it like the first, whenever and wherever it comes.
 *
 *   id := milliseconds since 1970 of DE7 (48 bits) ‖ SHA-256 of the key (80 bits)
 */
import { hash } from 'node:crypto';
import type { Id } from '../../../protocol/ids.ts';

/** What tells a message from every other one. */
export interface MessageKey {
  readonly link: string;
  readonly acquirer: string;
  readonly terminal: string;
  readonly stan: string;
  /** MMDDhhmmss, in UTC. */
  readonly transmission: string;
  /** The message type without version and repeat: `10` authorisation, `20` financial, `22` its advice, `40` reversal … */
  readonly messageClass: string;
}

/** 0200 and 0201 are of class `20`, 0420 and 0421 of `42`. */
export function messageClassOf(mti: string): string {
  return mti.slice(1, 3);
}

/**
 * The id of what a message asks for; undefined when DE7 is no time.
 *
 * @param nowMs of the clock: DE7 has no year, so it is taken for the one that is nearest to now
 */
export function idOf(key: MessageKey, nowMs: number): Id | undefined {
  const sent = timeOf(key.transmission, nowMs);
  if (sent === undefined) return undefined;
  const { link, acquirer, terminal, stan, transmission, messageClass } = key;
  return timedId(sent, [link, acquirer, terminal, stan, transmission, messageClass]);
}

/** The id of something else that is asked for because of a message: the same for the same purpose. */
export function relatedId(id: bigint, purpose: string): Id {
  return timedId(Number(id >> HASH_BITS), [id.toString(16), purpose]);
}

function timedId(timeMs: number, names: readonly string[]): Id {
  const digits = hash('sha256', JSON.stringify(names), 'hex').slice(0, HASH_DIGITS);
  return BigInt(`0x${timeMs.toString(16).padStart(TIME_DIGITS, '0')}${digits}`) as Id;
}

const HASH_BITS = 80n;
const TIME_DIGITS = 12;
const HASH_DIGITS = 20;
/** Nearer than this, no other year is nearer. */
const HALF_YEAR_MS = 182 * 86_400_000;
const TRANSMISSION = /^\d{10}$/;

/** Milliseconds since 1970 of MMDDhhmmss in the year that brings it nearest to now. */
export function timeOf(transmission: string, nowMs: number): number | undefined {
  if (!TRANSMISSION.test(transmission)) return undefined;
  const month = Number(transmission.slice(0, 2));
  const day = Number(transmission.slice(2, 4));
  const hour = Number(transmission.slice(4, 6));
  const minute = Number(transmission.slice(6, 8));
  const second = Number(transmission.slice(8));
  if (month < 1 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const year = new Date(nowMs).getUTCFullYear();
  let nearest: number | undefined;
  for (const candidate of [year, year - 1, year + 1]) {
    const time = Date.UTC(candidate, month - 1, day, hour, minute, second);
    // The 30th of February is the 1st or 2nd of March to Date.
    if (new Date(time).getUTCMonth() !== month - 1) continue;
    if (nearest === undefined || Math.abs(time - nowMs) < Math.abs(nearest - nowMs)) nearest = time;
    if (Math.abs(nearest - nowMs) < HALF_YEAR_MS) break;
  }
  return nearest;
}

/** Approval codes (DE38) are six digits of the payment's id: the same whenever they are asked for. */
export function approvalCode(paymentId: bigint): string {
  return String(paymentId % 1_000_000n).padStart(6, '0');
}
