/**
 * Codes of payers in the journal. Each event has the code, or the device that makes codes, as it is from then on:
 *
 *   payerCode event := prefix (16) ‖ PAYER_CODE (96)  │  prefix (16) ‖ CODE_DEVICE (128)
 *
 * The index of changes finds it by its token, and by its account and device as long as it has not been used: what is newest there is good.
 */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../protocol/payer-codes.ts';
import { hashId } from '../hash-id.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';
import { enter, find, type KeyIndex } from '../ledger/key-index.ts';
import { isZeroPair } from '../ledger/validate.ts';
import { isZeroId, wordOffsets } from '../ledger/words.ts';

export const PayerCodeWord = wordOffsets(PAYER_CODE.at);
/** `failures`, `state` and `codeTier` share a word. */
export const CodeDeviceWord = wordOffsets(CODE_DEVICE.at);
export const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
export const PAYER_CODE_EVENT_BYTES = EVENT_PREFIX_BYTES + PAYER_CODE.size;
export const CODE_DEVICE_EVENT_BYTES = EVENT_PREFIX_BYTES + CODE_DEVICE.size;

/** Bytes of the event of a device; else it is one of a one-time code. */
export function isDeviceEvent(event: DataView): boolean {
  return event.getUint32(4, true) === CODE_DEVICE_EVENT_BYTES;
}

/** Whether the id at word `at` has the form of a token of a code or of a device: see protocol/payer-codes.ts. */
export function isPayerCode(words: Uint32Array, at: number): boolean {
  const place = ((words[at] as number) ^ (words[at + 1] as number)) >>> 0;
  return words[at + 3] === ENGINE_ID_PREFIX && words[at + 2] === place && !isZeroPair(words, at);
}

/** Makes the event whose first word is `at` findable: for decisions and for recovery. */
export function enterPayerCode(index: KeyIndex, words: Uint32Array, at: number, lsn: number): void {
  const record = at + PREFIX_WORDS;
  enter(index, words, record, lsn);
  const isDevice = (words[at + 1] as number) === CODE_DEVICE_EVENT_BYTES;
  if (isDevice || isZeroId(words, record + PayerCodeWord.paymentId)) {
    index.put(...holderKey(words, record + PayerCodeWord.accountId, isDevice), lsn);
  }
}

/** Position of what is newest of the account and device that stand at word `at`; 0 = there is nothing. */
export function newestOf(index: KeyIndex, words: Uint32Array, at: number, isDevice: boolean): number {
  return index.get(...holderKey(words, at, isDevice));
}

/** Position of the code or device with the token at word `at`; 0 = there is none. */
export function findPayerCode(index: KeyIndex, words: Uint32Array, at: number): number {
  return find(index, words, at);
}

/** A key that only the engine makes, of an account and the device behind it. */
function holderKey(words: Uint32Array, at: number, isDevice: boolean): [number, number, number, number] {
  const lane = (number: number): number => {
    const seed = isDevice ? number + 0x0dd : number + 0x0c0de;
    const account = hashId(
      words[at] as number,
      words[at + 1] as number,
      words[at + 2] as number,
      words[at + 3] as number,
      seed,
    );
    return (
      hashId(
        words[at + 4] as number,
        words[at + 5] as number,
        words[at + 6] as number,
        words[at + 7] as number,
        account,
      ) >>> 0
    );
  };
  return [lane(1), lane(2), lane(3), ENGINE_ID_PREFIX];
}
