/** Reading and writing u64 fields as numbers through u32 words, and the word offsets of the hot records. */
import { PAYMENT_CANCELLATION } from '../../protocol/cancellation.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  CHAIN_ENDED,
  END_CHAIN,
  PAYMENT,
  PAYMENT_OPERATION,
  TRANSFER,
} from '../../protocol/records.ts';
import { RISK_CONTEXT, RISK_SIGNAL } from '../../protocol/risk.ts';

const TWO_32 = 0x1_0000_0000;
/** Upper words above this are beyond 2^53 − 1. */
const HIGH_WORD_MAX = 0x1f_ffff;

/** The u64 at word `at` as a number. Exact up to 2^53 − 1; check `fitsRange` first where the value is a client's. */
export function readU64(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) * TWO_32 + (words[at] as number);
}

/** Whether the u64 at word `at` is at most 2^53 − 1. */
export function fitsRange(words: Uint32Array, at: number): boolean {
  return (words[at + 1] as number) <= HIGH_WORD_MAX;
}

/** Writes an integer of |value| ≤ 2^53 − 1 as u64, or two's complement i64. */
export function writeU64(words: Uint32Array, at: number, value: number): void {
  const low = value >>> 0;
  words[at] = low;
  words[at + 1] = (value - low) / TWO_32;
}

/** The id at word `at`. */
export function idAt(words: Uint32Array, at: number): bigint {
  return [3, 2, 1, 0].reduce((id, word) => (id << 32n) | BigInt(words[at + word] as number), 0n);
}

export function isZeroId(words: Uint32Array, at: number): boolean {
  return (
    ((words[at] as number) | (words[at + 1] as number) | (words[at + 2] as number) | (words[at + 3] as number)) === 0
  );
}

export function sameId(a: Uint32Array, at: number, b: Uint32Array, bt: number): boolean {
  return a[at] === b[bt] && a[at + 1] === b[bt + 1] && a[at + 2] === b[bt + 2] && a[at + 3] === b[bt + 3];
}

type WordOffsets<T> = { readonly [K in keyof T]: number };

export function wordOffsets<T extends Record<string, number>>(at: T): WordOffsets<T> {
  return Object.fromEntries(Object.entries(at).map(([field, offset]) => [field, offset >> 2])) as WordOffsets<T>;
}

/** Word offsets; a u16 pair shares a word: the field at the lower address is its lower half. */
export const TransferWord = wordOffsets(TRANSFER.at);
export const AccountWord = wordOffsets(ACCOUNT.at);
/** `fields`, `state` and `tier` share a word. */
export const ChangeWord = wordOffsets(ACCOUNT_CHANGE.at);
/** `flags` and `reserved16` share a word. */
export const EndChainWord = wordOffsets(END_CHAIN.at);
export const ChainEndedWord = wordOffsets(CHAIN_ENDED.at);
export const PaymentWord = wordOffsets(PAYMENT.at);
export const OperationWord = wordOffsets(PAYMENT_OPERATION.at);
/** Otherwise as OperationWord. */
export const CancellationWord = { payerAccountId: PAYMENT_CANCELLATION.at.payerAccountId >> 2 } as const;
/** `country` and `mcc` share a word; so do `channel`, `codeTier` and `flags`. */
export const ContextWord = {
  ...wordOffsets(RISK_CONTEXT.at),
  countryAndMcc: RISK_CONTEXT.at.country >> 2,
  kinds: RISK_CONTEXT.at.channel >> 2,
};
/** `kind` shares a word with what is reserved. */
export const SignalWord = wordOffsets(RISK_SIGNAL.at);
