/** A journal in memory: the same batches, sealed by the same code, without a disk. */
import { batchHash, LSN_UNIT_BYTES, NO_HASH, sealBatch } from '../../engine/journal/header.ts';
import type { AppendInfo, EventPosition, Journal } from '../../engine/journal/journal.ts';

interface Stored {
  readonly lsn: number;
  readonly bytes: Uint8Array;
}

export class MemoryJournal implements Journal {
  readonly state = 'open';
  readonly partition: number;
  nextLsn = 0;
  nextSequence = 1;
  lastTimestamp = 0;
  lastHash: Uint8Array = NO_HASH;
  readonly #stored: Stored[] = [];

  constructor(partition: number) {
    this.partition = partition;
  }

  append(buffer: Uint8Array, length: number, info: AppendInfo): Promise<void> {
    sealBatch(buffer, length, {
      lsn: this.nextLsn,
      sequence: this.nextSequence++,
      timestamp: info.timestamp,
      eventCount: info.eventCount,
      partition: this.partition,
      previousHash: this.lastHash,
    });
    const bytes = buffer.slice(0, length);
    this.#stored.push({ lsn: this.nextLsn, bytes });
    this.nextLsn += length / LSN_UNIT_BYTES;
    this.lastTimestamp = info.timestamp;
    this.lastHash = batchHash(bytes);
    return Promise.resolve();
  }

  read(lsn: number): EventPosition {
    const { lsn: start, bytes } = this.#covering(lsn);
    return { bytes, offset: (lsn - start) * LSN_UNIT_BYTES };
  }

  *batches(fromLsn: number, toLsn = this.nextLsn): Generator<Stored> {
    for (const batch of this.#stored) if (batch.lsn >= fromLsn && batch.lsn < toLsn) yield batch;
  }

  durable(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #covering(lsn: number): Stored {
    let low = 0;
    let high = this.#stored.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#stored[middle] as Stored).lsn <= lsn) low = middle;
      else high = middle - 1;
    }
    const found = this.#stored[low];
    if (found === undefined || !(lsn >= 0 && lsn < this.nextLsn)) throw new RangeError(`no batch holds LSN ${lsn}`);
    return found;
  }
}
