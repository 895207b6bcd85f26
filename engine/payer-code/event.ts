/**
 * Codes of payers in the journal:
 *
 *   payerCode event := prefix (16) ‖ PAYER_CODE (96)        a code is given
 *                    │ prefix (16) ‖ PAYER_CODE_USE (48)    it is used
 *                    │ prefix (16) ‖ CODE_DEVICE (128)      a device as it is from then on
 *
 * The index of changes finds the newest by its token; and what was given last to an account and device by these.
 */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import { layout } from '../../protocol/layout.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../protocol/payer-codes.ts';
import { hashId } from '../hash-id.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';
import { enter, find, type KeyIndex } from '../ledger/key-index.ts';
import { isZeroPair } from '../ledger/validate.ts';
import { wordOffsets } from '../ledger/words.ts';

/** A code that was used. */
export const PAYER_CODE_USE = layout('payerCodeUse', 48, {
  token: [0, 'u128'],
  paymentId: [16, 'u128'],
  /** Position of the event that gave it. */
  given: [32, 'u64'],
  reserved: [40, 'u64'],
});

export const PayerCodeUseWord = wordOffsets(PAYER_CODE_USE.at);
export const PAYER_CODE_USE_EVENT_BYTES = EVENT_PREFIX_BYTES + PAYER_CODE_USE.size;
/** Byte offsets in the event. */
export const PayerCodeUseByte = {
  paymentId: EVENT_PREFIX_BYTES + PAYER_CODE_USE.at.paymentId,
  given: EVENT_PREFIX_BYTES + PAYER_CODE_USE.at.given,
} as const;

export const PayerCodeWord = wordOffsets(PAYER_CODE.at);
/** `failures`, `state` and `codeTier` share a word. */
export const CodeDeviceWord = wordOffsets(CODE_DEVICE.at);
export const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
export const PAYER_CODE_EVENT_BYTES = EVENT_PREFIX_BYTES + PAYER_CODE.size;
export const CODE_DEVICE_EVENT_BYTES = EVENT_PREFIX_BYTES + CODE_DEVICE.size;

/** Whether the event has a device. */
export function isDeviceEvent(event: DataView): boolean {
  return event.getUint32(4, true) === CODE_DEVICE_EVENT_BYTES;
}

/** Whether the id at word `at` has the form of a token of a code or of a device: see protocol/payer-codes.ts. */
export function isPayerCode(words: Uint32Array, at: number): boolean {
  const place = ((words[at] as number) ^ (words[at + 1] as number)) >>> 0;
  return words[at + 3] === ENGINE_ID_PREFIX && words[at + 2] === place && !isZeroPair(words, at);
}

/** Whether the event says that a code was used. */
export function isUseEvent(event: DataView): boolean {
  return event.getUint32(4, true) === PAYER_CODE_USE_EVENT_BYTES;
}

/** Makes the event whose first word is `at` findable: for decisions and for recovery. */
export function enterPayerCode(index: KeyIndex, words: Uint32Array, at: number, lsn: number): void {
  const record = at + PREFIX_WORDS;
  enter(index, words, record, lsn);
  const bytes = words[at + 1] as number;
  if (bytes === PAYER_CODE_USE_EVENT_BYTES) return;
  const isDevice = bytes === CODE_DEVICE_EVENT_BYTES;
  const holder = record + PayerCodeWord.accountId;
  const key = (number: number): number => lane(words, holder, isDevice, number);
  index.put(key(0), key(1), key(2), ENGINE_ID_PREFIX, lsn);
}

/** Position of what is newest of the account and device that stand at word `at`; 0 = there is nothing. */
export function newestOf(index: KeyIndex, words: Uint32Array, at: number, isDevice: boolean): number {
  const key = (number: number): number => lane(words, at, isDevice, number);
  return index.get(key(0), key(1), key(2), ENGINE_ID_PREFIX);
}

/** Position of the code or device with the token at word `at`; 0 = there is none. */
export function findPayerCode(index: KeyIndex, words: Uint32Array, at: number): number {
  return find(index, words, at);
}

/** One word of a key that only the engine makes, of an account and the device behind it. */
function lane(words: Uint32Array, at: number, isDevice: boolean, number: number): number {
  const seed = isDevice ? number + 0x0de : number + 0x0c0df;
  return hashFour(words, at + 4, hashFour(words, at, seed)) >>> 0;
}

function hashFour(words: Uint32Array, at: number, seed: number): number {
  return hashId(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number, seed);
}
