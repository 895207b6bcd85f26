/** A real partition in this process: journal, indexes and checkpoints in a folder, commands as the client encodes them. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { CheckpointStore } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import type { Finding } from '../../../engine/storage/verify-journal.ts';
import { type PartitionCounts, verifyPartition } from '../../../engine/verify/verify-partition.ts';
import { Batch, batchBytes } from '../../../engine/worker/batch.ts';
import { openPartition } from '../../../engine/worker/open.ts';
import type { Partition } from '../../../engine/worker/partition.ts';
import { encodeCreateAccounts } from '../../../protocol/codecs/account-codec.ts';
import { encodePayment, encodePaymentOperation } from '../../../protocol/codecs/payment-codec.ts';
import { encodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { encodeCreateTransfers } from '../../../protocol/codecs/transfer-codec.ts';
import { FRAME_HEADER } from '../../../protocol/frame.ts';
import { countOf, flagsOf, kindOf } from '../../../protocol/frame-header.ts';
import { formatId, idFromNumber } from '../../../protocol/ids.ts';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';

export const HASH_SEED = 77;
const LEDGER = 978;
const BOUNDS = { recordsMax: 64, inputBytesMax: 65_536, journalBytesMax: 65_536, replyBytesMax: 262_144 };

export class TestPartition {
  readonly journalPath: string;
  readonly indexPath: string;
  readonly #partition: Partition;
  readonly #batch = new Batch(new SharedArrayBuffer(batchBytes(BOUNDS)), BOUNDS);
  #now = 1_700_000_000_000_000;

  private constructor(folder: string, partition: Partition) {
    this.journalPath = join(folder, 'journal');
    this.indexPath = join(folder, 'index');
    this.#partition = partition;
  }

  static async open(folder: string, checkpointEveryBytes: number): Promise<TestPartition> {
    for (const part of ['journal', 'index']) mkdirSync(join(folder, part), { recursive: true });
    const { partition } = await openPartition({
      partition: 0,
      partitions: 1,
      hashSeed: HASH_SEED,
      accountsMax: 1000,
      holdsMax: 1000,
      recordsMax: BOUNDS.recordsMax,
      journalBytesMax: BOUNDS.journalBytesMax,
      checkpointEveryBytes,
      memtableBound: 2000,
      filterBytesMax: 2 ** 20,
      journalPath: join(folder, 'journal'),
      indexPath: join(folder, 'index'),
    });
    return new TestPartition(folder, partition);
  }

  /** Runs these frames as one batch, one second after the last; writes the checkpoint that it brings. */
  async run(...frames: readonly Uint8Array[]): Promise<void> {
    const batch = this.#batch;
    batch.clear();
    for (const frame of frames) {
      const envelope = {
        kind: kindOf(frame),
        flags: flagsOf(frame),
        count: countOf(frame),
        requestIdLow: 0,
        requestIdHigh: 0,
        institution: 1,
      };
      const weight = { records: 1, journalBytes: 0, replyBytes: 0 };
      if (!batch.add(envelope, frame.subarray(FRAME_HEADER.size), weight)) throw new Error('the batch is full');
    }
    this.#now += 1_000_000;
    let { checkpoint } = await this.#partition.run(batch, this.#now);
    while (checkpoint !== undefined) {
      const store = new CheckpointStore({ path: this.indexPath, hashSeed: HASH_SEED, mergeFanIn: 2 });
      const written = store.write(checkpoint);
      await store.close();
      checkpoint = await this.#partition.install(written);
    }
  }

  close(): Promise<void> {
    return this.#partition.close();
  }
}

/** Some of everything: accounts, all kinds of transfers and payments, declines, names, terms, expiries. */
export async function fill(partition: TestPartition, batches: number): Promise<void> {
  const options = { requestId: 1 };
  const id = (n: number): bigint => idFromNumber(n);
  const accounts = Array.from({ length: 20 }, (_, n) => ({
    id: id(n + 1),
    ledger: LEDGER,
    code: 1,
    tariff: n === 2 ? 1 : 0,
    flags: n === 0 ? 0 : AccountFlags.debitsMustNotExceedCredits,
    creditLimit: n === 0 ? 0n : 500n,
  }));
  await partition.run(
    encodeCreateAccounts(accounts, options),
    encodeRich(
      'putTariff',
      { number: 1, basisPoints: 100, fixed: 1, minimum: 0, maximum: 0, feeAccountId: formatId(id(20)) },
      options,
    ),
    encodeRich(
      'putCampaign',
      { accountId: formatId(id(19)), basisPoints: 500, fixed: 0, maximum: 0, minimumAmount: 0, startsAt: 0, endsAt: 0 },
      options,
    ),
  );
  for (let n = 0; n < batches; n++) {
    const base = 1000 * (n + 1);
    const move = { debitAccountId: id(1 + (n % 18)), creditAccountId: id(2 + (n % 18)), ledger: LEDGER, code: 1 };
    const pay = { payerAccountId: id(1), payeeAccountId: id(3), campaignId: id(19), ledger: LEDGER, code: 1 };
    await partition.run(
      encodeCreateTransfers(
        [
          { ...move, id: id(base), amount: 90n },
          { ...move, id: id(base + 1), amount: 5n, flags: TransferFlags.pending, timeoutS: 2 },
          { ...move, id: id(base + 2), amount: 7n, flags: TransferFlags.pending },
          { ...move, id: id(base + 3), amount: 1n, flags: TransferFlags.linked },
          { ...move, id: id(base + 4), amount: 9_000_000n },
          {
            id: id(base + 5),
            debitAccountId: move.debitAccountId,
            pendingId: id(base + 2),
            flags: TransferFlags.postPending,
          },
        ],
        options,
      ),
      encodePayment('sale', { ...pay, id: id(base + 10), amount: 30n, reference: `order-${n % 3}` }, options),
      encodePayment('authorise', { ...pay, id: id(base + 11), amount: 20n }, options),
      encodePaymentOperation('capture', { id: id(base + 12), paymentId: id(base + 11), amount: 6n }, options),
      encodePaymentOperation('refund', { id: id(base + 13), paymentId: id(base + 10), amount: 2n }, options),
      encodePaymentOperation('refund', { id: id(base + 14), paymentId: id(base + 10), amount: 900n }, options),
      encodeRich(
        'putParty',
        { handle: `p${n % 4}`, kind: 'merchant', name: `n${n}`, mcc: 0, ledgers: [LEDGER] },
        options,
      ),
    );
  }
}

/** Verifies in this process. */
export async function verified(
  partition: Pick<TestPartition, 'journalPath' | 'indexPath'>,
): Promise<{ readonly counts: PartitionCounts; readonly findings: Finding[] }> {
  const findings: Finding[] = [];
  const { journalPath, indexPath } = partition;
  const place = { journalPath, indexPath, partition: 0, partitions: 1, hashSeed: HASH_SEED };
  const counts = await verifyPartition({ ...place, onFinding: (finding) => findings.push(finding) });
  return { counts, findings };
}

/** The batches of a journal, copied. */
export async function batchesOf(path: string): Promise<{ readonly lsn: number; readonly bytes: Buffer }[]> {
  const journal = await LmdbJournal.open({ path, partition: 0, readOnly: true });
  const batches = [...journal.batches(0)].map(({ lsn, bytes }) => ({ lsn, bytes: Buffer.from(bytes) }));
  await journal.close();
  return batches;
}
