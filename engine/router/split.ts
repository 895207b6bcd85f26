/** Which partition each record of a message belongs to. */
import { AccountFlags, TransferFlags } from '../../protocol/records.ts';
import { partitionOfAccount } from '../hash-id.ts';

/** How the records of a command name their partition. */
export interface RecordShape {
  readonly recordBytes: number;
  /** Offset of the account id that decides. */
  readonly keyAt: number;
  /** Offset of the flags whose lowest bit links a record to the next; undefined for look-ups. */
  readonly flagsAt?: number;
}

const LINKED = AccountFlags.linked & TransferFlags.linked;

/** Partition of the account whose id stands at byte `at`. */
export function partitionAt(body: Uint8Array, at: number, partitions: number): number {
  const view = new DataView(body.buffer, body.byteOffset + at, 16);
  return partitionOfAccount(
    view.getUint32(0, true),
    view.getUint32(4, true),
    view.getUint32(8, true),
    view.getUint32(12, true),
    partitions,
  );
}

/** Partition of the account with this id. */
export function partitionOfId(id: bigint, partitions: number): number {
  const word = (shift: bigint): number => Number((id >> shift) & 0xffff_ffffn);
  return partitionOfAccount(word(0n), word(32n), word(64n), word(96n), partitions);
}

/** For each partition the indexes of its records, in order. A chain goes where its first record goes. */
export function splitRecords(body: Uint8Array, count: number, shape: RecordShape, partitions: number): number[][] {
  const groups: number[][] = Array.from({ length: partitions }, () => []);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let inChain = false;
  let home = 0;
  for (let index = 0; index < count; index++) {
    const at = index * shape.recordBytes;
    if (!inChain) home = partitionAt(body, at + shape.keyAt, partitions);
    groups[home]?.push(index);
    inChain = shape.flagsAt !== undefined && (view.getUint16(at + shape.flagsAt, true) & LINKED) !== 0;
  }
  return groups;
}

/** The chosen records, one after another. */
export function pickRecords(body: Uint8Array, indexes: readonly number[], recordBytes: number): Uint8Array {
  const picked = new Uint8Array(indexes.length * recordBytes);
  indexes.forEach((index, place) => {
    picked.set(body.subarray(index * recordBytes, (index + 1) * recordBytes), place * recordBytes);
  });
  return picked;
}
