/** Events as a partition reads them while it opens: out of batches whose checksum is right. */
import { checkBatch, LSN_UNIT_BYTES } from '../journal/header.ts';
import { JournalError } from '../journal/journal.ts';
import type { EventSource } from '../ledger/events.ts';

/**
 * What a checkpoint leaves in the journal (terms, what is under way with other partitions) is decoded when it is restored. Those
 * batches are older than what is replayed, so nobody has looked at them since they were written.
 */
export class CheckedSource implements EventSource {
  readonly #journal: EventSource;
  readonly #partition: number;
  /** Batches that are right, by position; undefined once the partition is open. */
  #checked: Set<number> | undefined = new Set();

  constructor(journal: EventSource, partition: number) {
    this.#journal = journal;
    this.#partition = partition;
  }

  /** The partition is open: what it reads from now on it has written or checked, or verify does. */
  trust(): void {
    this.#checked = undefined;
  }

  read(lsn: number): ReturnType<EventSource['read']> {
    const found = this.#journal.read(lsn);
    if (this.#checked !== undefined) this.#check(this.#checked, lsn - found.offset / LSN_UNIT_BYTES, found.bytes);
    return found;
  }

  #check(checked: Set<number>, lsn: number, bytes: Uint8Array): void {
    if (checked.has(lsn)) return;
    const verdict = checkBatch(bytes, { lsn, partition: this.#partition });
    if (!verdict.ok) throw new JournalError(`the batch at LSN ${lsn} is damaged: ${verdict.detail}`);
    checked.add(lsn);
  }
}
