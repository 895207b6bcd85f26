/**
 * The manifest of a checkpoint: what belongs to it. A checkpoint exists when its manifest does.
 *
 * Stored: 0 magic u32 "SLC1" · 4 CRC-32C u32 of all that follows · 8 JSON (UTF-8).
 */
import { crc32c } from '@node-rs/crc32';
import { z } from 'zod';
import type { SegmentMeta } from '../index/segment-writer.ts';

const MAGIC = 0x31434c53;
const HEADER_BYTES = 8;

const count = z.number().int().nonnegative();
const key = z.tuple([count, count, count, count]).readonly();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const segmentMeta = z.object({
  id: count,
  index: z.string(),
  level: count,
  entries: z.number().int().positive(),
  min: key,
  max: key,
  filterBlocks: z.number().int().positive(),
}) satisfies z.ZodType<SegmentMeta>;

const section = z.object({ name: z.string(), bytes: count, chunks: count, sha256 });

const manifestSchema = z.object({
  format: z.literal(1),
  /** 1, 2, … in order of writing. */
  id: z.number().int().positive(),
  /** Everything before this position of the journal is in the checkpoint, and nothing after it. */
  lsn: count,
  /** Sequence number of the journal batch that begins there. */
  sequence: count,
  /** SHA-256 of the batch before, as hex. */
  previousHash: sha256,
  /** Batch time, µs since 1970. */
  timestamp: count,
  /** The seed that the filters were written with. */
  hashSeed: count,
  sections: z.array(section),
  /**
   * Where the sections come from, when it is not this checkpoint alone: the id that their chunks are stored under, and the
   * position that they show, at or before `lsn`. Id 0: there are none yet, and the state is that before the first batch.
   */
  state: z.object({ id: count, lsn: count }).readonly().optional(),
  /** Per index its segments, newest first. */
  indexes: z.record(z.string(), z.array(segmentMeta).readonly()),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type SectionInfo = Readonly<z.infer<typeof section>>;

/** The state that a checkpoint has: the id of its chunks, and its position. What came up to `lsn` is replayed on top of it. */
export function stateOf({ id, lsn, state }: Manifest): { readonly id: number; readonly lsn: number } {
  return state ?? { id, lsn };
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const body = Buffer.from(JSON.stringify(manifest), 'utf8');
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(crc32c(body), 4);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The manifest in a stored value, or what is wrong with it. */
export function decodeManifest(bytes: Buffer, id: number): Manifest | { readonly problem: string } {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return { problem: 'is not a manifest' };
  const body = bytes.subarray(HEADER_BYTES);
  if (bytes.readUInt32LE(4) !== crc32c(body)) return { problem: 'checksum does not match' };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return { problem: 'is not JSON' };
  }
  const checked = manifestSchema.safeParse(parsed);
  if (!checked.success) return { problem: `has another shape: ${z.prettifyError(checked.error)}` };
  return checked.data.id === id ? checked.data : { problem: `is that of checkpoint ${checked.data.id}` };
}
