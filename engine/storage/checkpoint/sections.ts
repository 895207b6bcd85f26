/**
 * State sections: named blobs of any length, stored in chunks.
 *
 * A chunk: 0 crc u32 · 4 id of the checkpoint that it was written for u32 · 8 section u32 · 12 chunk u32 · 16 data. The CRC-32C covers all bytes
 * after itself. A full chunk with LMDB's own header of 24 bytes takes whole pages of the file.
 */
import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { IndexEnvironment } from './environment.ts';
import type { Finding } from './findings.ts';
import { type Manifest, type SectionInfo, stateOf } from './manifest.ts';

const CHUNK_BYTES = 2 ** 18 - 24;
const HEADER_BYTES = 16;
const DATA_BYTES = CHUNK_BYTES - HEADER_BYTES;
/** Chunks of one transaction: 8 MiB of dirty pages at most. */
const CHUNKS_PER_TRANSACTION = 32;

/**
 * Writes the sections of a state. Nothing lists them until a manifest does.
 *
 * @returns what the manifest says about them
 */
export function writeSections(
  environment: IndexEnvironment,
  id: number,
  sections: Readonly<Record<string, Uint8Array>>,
): SectionInfo[] {
  const steps = sectionSteps(environment, id, sections);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same, a transaction at a time. */
export function* sectionSteps(
  environment: IndexEnvironment,
  id: number,
  sections: Readonly<Record<string, Uint8Array>>,
): Generator<void, SectionInfo[]> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const infos: SectionInfo[] = [];
  for (const [name, data] of Object.entries(sections)) {
    const number = infos.length;
    const hash = createHash('sha256');
    const chunks = Math.ceil(data.length / DATA_BYTES);
    for (let first = 0; first < chunks; first += CHUNKS_PER_TRANSACTION) {
      environment.transaction(() => {
        for (let at = first; at < Math.min(chunks, first + CHUNKS_PER_TRANSACTION); at++) {
          const part = data.subarray(at * DATA_BYTES, (at + 1) * DATA_BYTES);
          chunk.set(part, HEADER_BYTES);
          const length = HEADER_BYTES + part.length;
          hash.update(chunk.subarray(HEADER_BYTES, length));
          sealChunk(chunk, length, id, number, at);
          environment.sections.putSync([id, number, at], chunk.subarray(0, length));
        }
      });
      yield;
    }
    infos.push({ name, bytes: data.length, chunks, sha256: hash.digest('hex') });
  }
  return infos;
}

/** Reads a section and checks every chunk and its hash. Undefined when there were findings. */
export function readSection(
  environment: IndexEnvironment,
  manifest: Manifest,
  number: number,
  findings: Finding[],
): Uint8Array | undefined {
  const info = manifest.sections[number] as SectionInfo;
  const data = new Uint8Array(info.bytes);
  const whole = walkSection(environment, manifest, number, findings, (at, part) => data.set(part, at));
  return whole ? data : undefined;
}

/** Checks every chunk and the hash of a section, handing its data over in order. False when there were findings. */
export function walkSection(
  environment: IndexEnvironment,
  manifest: Manifest,
  number: number,
  findings: Finding[],
  take: (at: number, part: Uint8Array) => void = () => undefined,
): boolean {
  const { name, bytes, chunks, sha256 } = manifest.sections[number] as SectionInfo;
  const { id } = stateOf(manifest);
  const before = findings.length;
  const report = (problem: string, chunk?: number): void => {
    const place = { where: 'checkpoint', checkpointLsn: manifest.lsn, section: name, problem } as const;
    findings.push(chunk === undefined ? place : { ...place, chunk });
  };
  const hash = createHash('sha256');
  for (let chunk = 0; chunk < chunks; chunk++) {
    const stored = environment.sections.getBinary([id, number, chunk]);
    const length = Math.min(DATA_BYTES, bytes - chunk * DATA_BYTES) + HEADER_BYTES;
    const problem = chunkProblem(stored, length, id, number, chunk);
    if (stored === undefined || problem !== undefined) {
      report(problem ?? 'is missing', chunk);
      continue;
    }
    const part = stored.subarray(HEADER_BYTES);
    hash.update(part);
    take(chunk * DATA_BYTES, part);
  }
  if (findings.length === before && hash.digest('hex') !== sha256) report('SHA-256 does not match');
  return findings.length === before;
}

function sealChunk(chunk: Buffer, length: number, checkpointId: number, section: number, number: number): void {
  chunk.writeUInt32LE(checkpointId, 4);
  chunk.writeUInt32LE(section, 8);
  chunk.writeUInt32LE(number, 12);
  chunk.writeUInt32LE(crc32c(chunk.subarray(4, length)), 0);
}

function chunkProblem(
  stored: Buffer | undefined,
  length: number,
  checkpointId: number,
  section: number,
  number: number,
): string | undefined {
  if (stored === undefined) return 'is missing';
  if (stored.length !== length) return `is ${stored.length} bytes long, not ${length}`;
  if (stored.readUInt32LE(0) !== crc32c(stored.subarray(4))) return 'checksum does not match';
  const same =
    stored.readUInt32LE(4) === checkpointId && stored.readUInt32LE(8) === section && stored.readUInt32LE(12) === number;
  return same ? undefined : 'is another chunk';
}
