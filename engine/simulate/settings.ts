/** The sizes of a simulated partition: small, so that what is rare in a real one happens all the time. */
import { LIMITS } from '../../protocol/limits.ts';
import { TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import type { BatchBounds } from '../worker/batch.ts';
import type { OpenOptions } from '../worker/open.ts';

/** Batches under way at once, as in the engine's lanes. */
export const FLIGHTS = 6;

/** Steps for which a checkpoint that was asked for can be put off. */
export const CHECKPOINT_WAITS_MAX = 20;

/** Commands that end a whole chain: each takes as much of its batch as the longest chain. */
export const CHAIN_ENDS_PER_BATCH = 2;
/** After a recovery those of two batches may be sent again in one. */
const CHAIN_ENDS_MAX = 2 * CHAIN_ENDS_PER_BATCH;

/** Takes the largest batch that `makeEpisode` makes. */
export const BATCH_BOUNDS: BatchBounds = {
  recordsMax: 160 + CHAIN_ENDS_MAX * LIMITS.chainMembersMax,
  inputBytesMax: 256 * 1024,
  journalBytesMax: 512 * 1024 + CHAIN_ENDS_MAX * LIMITS.chainMembersMax * TRANSFER_EVENT_BYTES,
  // A page of a history is expected to be full; memory that is not written costs nothing.
  replyBytesMax: 6 * 1024 * 1024,
};

export function openOptions(holdsMax: number, place = { partition: 0, partitions: 1 }): OpenOptions {
  return {
    ...place,
    hashSeed: 0x51_1ce,
    accountsMax: 64,
    holdsMax,
    journalPath: 'the simulated journal',
    indexPath: 'the simulated index',
    recordsMax: BATCH_BOUNDS.recordsMax,
    journalBytesMax: BATCH_BOUNDS.journalBytesMax,
    // Room for all that comes while a checkpoint is put off.
    memtableBound: BATCH_BOUNDS.recordsMax + 4096,
    filterBytesMax: 1024 * 1024,
    // Few, so that pages come and go.
    cachePages: 16,
    checkpointEveryBytes: 96 * 1024,
  };
}
