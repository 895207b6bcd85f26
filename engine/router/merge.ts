/** Making one reply frame of the frames of several partitions. */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import { RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';

const HEADER = FRAME_HEADER.size;

/** The result code of the RESULT at byte `at` of a frame. */
export function readCode(frame: Uint8Array, at: number): number {
  return (frame[at + RESULT.at.code] as number) | ((frame[at + RESULT.at.code + 1] as number) << 8);
}

/** Puts the results of each part to the places that its records had in the request. */
export function mergeScattered(
  parts: readonly Uint8Array[],
  places: readonly (readonly number[])[],
  stride: number,
): Uint8Array {
  const count = places.reduce((total, indexes) => total + indexes.length, 0);
  const whole = frameLike(parts[0], HEADER + count * stride, count);
  parts.forEach((part, which) => {
    places[which]?.forEach((index, place) => {
      const from = HEADER + place * stride;
      whole.set(part.subarray(from, from + stride), HEADER + index * stride);
    });
  });
  return whole;
}

/**
 * For look-ups that went to all: of each entry the part that found it, else the first part's refusal.
 *
 * @param entryBytes length of the entry at a byte of a frame
 */
export function mergeFound(
  parts: readonly Uint8Array[],
  entryBytes: (frame: Uint8Array, at: number) => number,
): Uint8Array {
  const [first] = parts;
  const count = first === undefined ? 0 : new DataView(first.buffer, first.byteOffset).getUint32(4, true);
  const at = parts.map(() => HEADER);
  const entries: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    let best: Uint8Array | undefined;
    let bestRank = -1;
    parts.forEach((part, which) => {
      const from = at[which] as number;
      const entry = part.subarray(from, from + entryBytes(part, from));
      const rank = rankOf(readCode(part, from));
      if (rank > bestRank) {
        best = entry;
        bestRank = rank;
      }
      at[which] = from + entry.length;
    });
    if (best !== undefined) entries.push(best);
  }
  const bytes = entries.reduce((total, entry) => total + entry.length, 0);
  const whole = frameLike(first, HEADER + bytes, count);
  let end = HEADER;
  for (const entry of entries) {
    whole.set(entry, end);
    end += entry.length;
  }
  return whole;
}

/** Found is better than forbidden, which is better than not found. */
function rankOf(code: number): number {
  if (code === Code.ok) return 2;
  return code === Code.transferNotFound || code === Code.paymentNotFound ? 0 : 1;
}

/** The result code of a rich reply. */
export function richCode(frame: Uint8Array): unknown {
  return decodeMessagePack(frame.subarray(HEADER))?.code;
}

/** The first refusal, or the first part when all said ok. */
export function mergeRich(parts: readonly Uint8Array[]): Uint8Array | undefined {
  const refused = parts.find((part) => richCode(part) !== Code.ok);
  return refused ?? parts[0];
}

/** A frame with the header of another, its own size and count. */
export function frameLike(header: Uint8Array | undefined, size: number, count: number): Uint8Array {
  const whole = new Uint8Array(size);
  if (header !== undefined) whole.set(header.subarray(0, HEADER));
  new DataView(whole.buffer).setUint32(FRAME_HEADER.at.count, count, true);
  return whole;
}
