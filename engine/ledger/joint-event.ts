/**
 * The events of movements that several partitions carry out together, all or none: see joint.ts. TRANSFER records follow both heads,
 * each with its place in the whole in its reserved field.
 *
 *   joint := prefix (16) ‖ head (32) ‖ TRANSFER × count ‖ a draft of the payment's version     in the partition that decides
 *   part  := prefix (16) ‖ head (32) ‖ TRANSFER × count                                        in one that takes part
 */
import { layout } from '../../protocol/layout.ts';
import { TRANSFER } from '../../protocol/records.ts';
import { EVENT_PREFIX_BYTES } from './events.ts';
import { readU64, TransferWord } from './words.ts';

const JOINT = layout('joint', 32, {
  count: [0, 'u16'],
  /** JointFlags. */
  flags: [2, 'u16'],
  /** Bytes of the draft. */
  draftBytes: [4, 'u32'],
  /**
   * What it goes on from: of a request the payment's version until then (0 = none), of one that must be followed the version that it
   * made, of a conclusion the position of the request.
   */
  about: [8, 'u64'],
  /** In a conclusion: place of the record that was refused. */
  culprit: [16, 'u32'],
  reserved32: [20, 'u32'],
  reserved64: [24, 'u64'],
});

const PART = layout('part', 32, {
  /** Position of the request in the partition that decides. */
  lsn: [0, 'u64'],
  peer: [8, 'u32'],
  count: [12, 'u16'],
  /** Place of the record that was refused. */
  culprit: [14, 'u16'],
  reservedA: [16, 'u64'],
  reservedB: [24, 'u64'],
});

/** Words of both events. */
export const JointWord = {
  countAndFlags: 4,
  draftBytes: 5,
  about: 6,
  culprit: 8,
  records: 12,
} as const;
export const PartWord = { lsn: 4, peer: 6, countAndCulprit: 7, records: 12 } as const;

/** In the prefix's flags of a joint event. Numbers are stored. */
export const JointKinds = {
  /** Others are asked, and then it is decided. */
  request: 0,
  /** It is decided, and the others have to follow. */
  order: 1,
  /** What became of a request that several others prepared; its code is in the prefix. */
  conclusion: 2,
} as const;

/** How its records are judged. Numbers are stored. */
export const JointFlags = {
  /** New movements go with the posting of holds: an account that is being closed takes part. */
  following: 1,
  /** It is a new payment: a campaign is spent by its own institution only. */
  newPayment: 2,
} as const;

/** In the prefix's flags of a part event: how it stands. Numbers are stored. */
export const PartPhases = { done: 0, prepared: 1, aborted: 2, refused: 3 } as const;

const HEAD_BYTES = EVENT_PREFIX_BYTES + JOINT.size;
export const RECORD_WORDS = TRANSFER.size >> 2;
/** Word of a TRANSFER record on its way, and in these events: its place in the whole. */
export const PLACE_WORD = TransferWord.reserved;

export function jointEventBytes(records: number, draftBytes: number): number {
  return HEAD_BYTES + records * TRANSFER.size + draftBytes;
}

export function partEventBytes(records: number): number {
  return EVENT_PREFIX_BYTES + PART.size + records * TRANSFER.size;
}

/** A joint event, copied out of the journal. */
export interface JointEvent {
  readonly kind: number;
  readonly code: number;
  readonly flags: number;
  readonly institution: number;
  readonly about: number;
  readonly culprit: number;
  readonly count: number;
  /** The TRANSFER records. */
  readonly records: Uint32Array;
  /** The draft of a version; empty when there is none. */
  readonly draft: Uint32Array;
}

export function readJoint(event: DataView): JointEvent {
  const words = copyOf(event);
  const countAndFlags = words[JointWord.countAndFlags] as number;
  const count = countAndFlags & 0xffff;
  const end = JointWord.records + count * RECORD_WORDS;
  return {
    kind: event.getUint8(1),
    code: event.getUint16(2, true),
    flags: countAndFlags >>> 16,
    institution: words[2] as number,
    about: readU64(words, JointWord.about),
    culprit: words[JointWord.culprit] as number,
    count,
    records: words.subarray(JointWord.records, end),
    draft: words.subarray(end, end + ((words[JointWord.draftBytes] as number) >> 2)),
  };
}

/** A part event, copied out of the journal. */
export interface PartEvent {
  readonly phase: number;
  readonly code: number;
  readonly culprit: number;
  readonly count: number;
  readonly records: Uint32Array;
}

export function readPart(event: DataView): PartEvent {
  const words = copyOf(event);
  const countAndCulprit = words[PartWord.countAndCulprit] as number;
  const count = countAndCulprit & 0xffff;
  return {
    phase: event.getUint8(1),
    code: event.getUint16(2, true),
    culprit: countAndCulprit >>> 16,
    count,
    records: words.subarray(PartWord.records, PartWord.records + count * RECORD_WORDS),
  };
}

function copyOf(event: DataView): Uint32Array {
  const words = new Uint32Array(event.byteLength >> 2);
  new Uint8Array(words.buffer).set(new Uint8Array(event.buffer, event.byteOffset, event.byteLength));
  return words;
}
