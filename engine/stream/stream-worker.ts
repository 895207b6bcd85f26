/**
 * The Piscina worker file of the thread that reads change streams. It has read-only handles on the journals, so it takes no
 * lock and never waits for a partition, nor a partition for it.
 */
import { encodeMessagePack } from '../../protocol/message-pack.ts';
import { Code } from '../../protocol/results.ts';
import type { ChangesPage, ChangesRequest } from '../gateway.ts';
import { type ChangePage, JournalChanges } from './journal-changes.ts';

export interface StreamOptions {
  readonly partitions: readonly { readonly journal: string; readonly index: string }[];
  /** u32 of the data directory. */
  readonly hashSeed: number;
}

export type StreamTask =
  | {
      readonly type: 'read';
      readonly options: StreamOptions;
      readonly request: Omit<ChangesRequest, 'waitMs'>;
    }
  | { readonly type: 'close' };

/** Of one page: a reply stays far below what a connection may leave unread. */
const PAGE_BYTES_MAX = 262_144;
const NOTHING = new Uint8Array(0);

/** Opened as they are asked for, and kept: one for each partition. */
const streams = new Map<number, Promise<JournalChanges>>();

function open(options: StreamOptions, partition: number): Promise<JournalChanges> | undefined {
  const paths = options.partitions[partition];
  if (paths === undefined) return undefined;
  const known = streams.get(partition);
  if (known !== undefined) return known;
  const { hashSeed } = options;
  const opening = JournalChanges.open({
    partition,
    partitions: options.partitions.length,
    journalPath: paths.journal,
    indexPath: paths.index,
    hashSeed,
  });
  streams.set(partition, opening);
  return opening;
}

async function read(options: StreamOptions, request: Omit<ChangesRequest, 'waitMs'>): Promise<ChangesPage> {
  const stream = await open(options, request.partition);
  if (stream === undefined) return { code: Code.partitionNotFound, body: NOTHING, count: 0, nextCursor: 0 };
  const end = stream.end();
  const cursor = request.cursor === 'now' ? end : request.cursor;
  if (cursor > end) return { code: Code.cursorInvalid, body: NOTHING, count: 0, nextCursor: 0 };
  const { institution, limit, form } = request;
  const page = await stream.read({ institution, cursor, countMax: limit, bytesMax: PAGE_BYTES_MAX });
  return {
    code: Code.ok,
    body: form === 'json' ? new TextEncoder().encode(JSON.stringify(page)) : packed(page),
    count: page.changes.length,
    nextCursor: page.nextCursor,
  };
}

function packed({ changes, nextCursor, atEnd }: ChangePage): Uint8Array {
  return encodeMessagePack({ code: Code.ok, changes, nextCursor, atEnd }).slice();
}

/** Runs one task; Piscina calls it. */
export default async function task(work: StreamTask): Promise<ChangesPage | undefined> {
  if (work.type === 'read') return read(work.options, work.request);
  for (const stream of streams.values()) await (await stream).close();
  streams.clear();
  return undefined;
}
