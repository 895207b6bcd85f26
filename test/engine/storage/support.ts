import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointRequest } from '../../../engine/storage/checkpoint/checkpoint-store.ts';

/** A seeded generator of u32 (xorshift). */
export function randomWords(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The seed of this run: SEED in the environment replays one. */
export function runSeed(): number {
  return Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
}

/** A folder that is removed after `use`. */
export async function withFolder<T>(use: (path: string) => T | Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'sluice-index-'));
  try {
    return await use(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

export type Key = [number, number, number, number];

/** A time-ordered id: 48 bits of milliseconds, then random bits, as UUIDv7 has them. */
export function timeKey(ms: number, random: () => number): Key {
  const low = ms % 65536;
  return [
    random(),
    (0x8000_0000 | (random() >>> 2)) >>> 0,
    low * 65536 + 0x7000 + (random() & 0xfff),
    (ms - low) / 65536,
  ];
}

export function randomKey(random: () => number): Key {
  return [random(), random(), random(), random()];
}

export function request(part: Partial<CheckpointRequest> = {}): CheckpointRequest {
  return {
    base: 0,
    lsn: 1_000_000,
    sequence: 1,
    previousHash: new Uint8Array(32).fill(7),
    timestamp: 1,
    frozen: {},
    sections: {},
    ...part,
  };
}

/** A section on a SharedArrayBuffer, as the partition hands it over. */
export function section(bytes: number, fill: (at: number) => number): Uint8Array {
  const data = new Uint8Array(new SharedArrayBuffer(bytes));
  for (let at = 0; at < bytes; at++) data[at] = fill(at);
  return data;
}

/** A time-ordered key that belongs to an LSN. */
export function keyOfLsn(lsn: number): Key {
  return timeKey(1.7e12 + (lsn >> 4), randomWords(lsn + 1));
}
