/**
 * The checkpoints of a partition: its state at a position of the journal, and the segments of its indexes up to there.
 *
 *     frozen memtables ──sort──▶ new segments ──▶ merges ─┐
 *     state sections ──chunks, CRC-32C, SHA-256 ──────────┴──▶ manifest: now it exists ──▶ what nobody lists is removed
 *
 * A large state is not copied and written for each checkpoint: a manifest may list the sections of an earlier one, and what came
 * between them is replayed.
 *
 * All before the manifest may take many transactions; a crash leaves orphans, which the next writer removes.
 */
import type { FrozenMemtable } from '../index/memtable.ts';
import { StorageDamageError } from '../index/page.ts';
import type { Segment } from '../index/segment.ts';
import { SegmentCatalogue } from '../index/segment-catalogue.ts';
import { type BuiltSegment, SEGMENT_ENTRIES_MAX, type SegmentMeta } from '../index/segment-writer.ts';
import { type IndexEnvironment, openIndexEnvironment } from './environment.ts';
import { type Finding, indexFinding } from './findings.ts';
import { Housekeeping } from './housekeeping.ts';
import { IndexUpdate } from './index-update.ts';
import { decodeManifest, encodeManifest, type Manifest, stateOf } from './manifest.ts';
import { removeOrphans, storedSegments } from './orphans.ts';
import { readSection, writeSections } from './sections.ts';
import type { TierLimits } from './tiers.ts';
import { type VerifyReport, verifyAll } from './verify.ts';

export interface CheckpointStoreOptions {
  /** The folder of the LMDB environment. */
  readonly path: string;
  /** Instead of the one in `path`. */
  readonly environment?: IndexEnvironment;
  /** u32 of the data directory. */
  readonly hashSeed: number;
  /** Bytes of filters that look-ups may keep in memory; default 64 MiB. */
  readonly filterBytesMax?: number;
  /** Pages of 8 KiB in the look-ups' cache; default 512. */
  readonly cachePages?: number;
  /** Segments of a level that are merged into one of the next; default 8. */
  readonly mergeFanIn?: number;
  /** Entries of the largest segment; default 16 Mi: bounds the time of a merge and its memory (1.3 bytes an entry). */
  readonly segmentEntriesMax?: number;
  /** Merges and removals are left to `step`, and `write` is short. Else `write` does them. */
  readonly inSteps?: boolean;
  /** For verify: nothing is made or changed. The environment must be complete. */
  readonly readOnly?: boolean;
}

export interface CheckpointRequest {
  /** Id of the checkpoint whose segments the caller has installed; 0 = none. It is kept beside the new one. */
  readonly base: number;
  /** Everything before this position is in the sections, the frozen memtables or the segments of `base`. */
  readonly lsn: number;
  /** Sequence number of the journal batch that begins there. */
  readonly sequence: number;
  /** SHA-256 of the batch before: 32 bytes. */
  readonly previousHash: Uint8Array;
  /** Batch time, µs since 1970. */
  readonly timestamp: number;
  /** Per index what came since `base`. Indexes without news may be left out. */
  readonly frozen: Readonly<Record<string, FrozenMemtable>>;
  /** State, by name. On SharedArrayBuffers, it crosses threads without a copy. Left out, the state of `base` stays. */
  readonly sections?: Readonly<Record<string, Uint8Array>>;
  /**
   * Position that the sections show, when it is before `lsn`. With `inSteps` they are then written between checkpoints, and a
   * later one lists them: until its manifest names this position, their memory is in use.
   */
  readonly stateLsn?: number;
  /**
   * Whether merges that are due are done now (default). A merge takes up to a second per two million entries; a
   * partition that fills its next memtable meanwhile puts them off to a calmer checkpoint.
   */
  readonly merge?: boolean;
}

export interface CheckpointWritten {
  readonly manifest: Manifest;
  /** The new segments of it, to be opened without reading them. */
  readonly built: readonly BuiltSegment[];
  /** Segments that could not be read for a merge and were left as they are. */
  readonly damage: readonly Finding[];
}

export interface Checkpoint {
  readonly manifest: Manifest;
  readonly sections: ReadonlyMap<string, Uint8Array>;
}

/** That before the first batch. */
const NO_STATE = { id: 0, lsn: 0 };

export class CheckpointStore {
  readonly #environment: IndexEnvironment;
  readonly #catalogue: SegmentCatalogue;
  readonly #options: CheckpointStoreOptions;
  readonly #limits: TierLimits;
  readonly #housekeeping: Housekeeping | undefined;

  constructor(options: CheckpointStoreOptions) {
    this.#options = options;
    this.#environment = options.environment ?? openIndexEnvironment(options.path, options.readOnly);
    const { hashSeed } = options;
    this.#limits = {
      fanIn: options.mergeFanIn ?? 8,
      segmentEntriesMax: Math.min(options.segmentEntriesMax ?? 2 ** 24, SEGMENT_ENTRIES_MAX),
    };
    const limits = { ...this.#limits, hashSeed };
    this.#housekeeping = options.inSteps === true ? new Housekeeping(this.#environment, limits) : undefined;
    this.#catalogue = new SegmentCatalogue(this.#environment.pages, {
      filterBytesMax: options.filterBytesMax ?? 64 * 2 ** 20,
      cachePages: options.cachePages ?? 512,
    });
  }

  /** Pages that look-ups have read from LMDB. */
  get pageReads(): number {
    return this.#catalogue.pageReads;
  }

  /** Bytes of filters in memory. */
  get filterBytes(): number {
    return this.#catalogue.filterBytes;
  }

  /**
   * Writes a checkpoint: durable and visible as a whole when this returns. Blocks its thread; one writer at a time.
   *
   * @throws RangeError when `base` is not there or cannot be read
   */
  write(request: CheckpointRequest): CheckpointWritten {
    const environment = this.#environment;
    environment.refresh();
    const { manifests, findings } = this.#readManifests();
    const base = manifests.find((manifest) => manifest.id === request.base);
    if (request.base !== 0 && base === undefined) throw new RangeError(`no checkpoint ${request.base} to build on`);
    if (request.previousHash.length !== 32) throw new RangeError('previousHash is not 32 bytes long');
    const housekeeping = this.#housekeeping;
    // What an unreadable manifest lists is unknown, so nothing is removed before the new one takes its place.
    if (findings.length === 0 && housekeeping === undefined) removeOrphans(environment, manifests);

    const update = new IndexUpdate(environment, {
      hashSeed: this.#options.hashSeed,
      firstId: this.#firstFreeSegment(manifests),
      lsn: request.lsn,
      ...this.#limits,
    });
    const merge = housekeeping === undefined && (request.merge ?? true);
    const indexes: Record<string, SegmentMeta[]> = {};
    for (const name of new Set([...Object.keys(base?.indexes ?? {}), ...Object.keys(request.frozen)])) {
      const listed = base?.indexes[name] ?? [];
      const segments = housekeeping?.apply(name, listed) ?? listed;
      indexes[name] = update.apply(name, segments, request.frozen[name], merge);
    }

    const id = 1 + Math.max(0, ...this.#manifestKeys().map(([known]) => known ?? 0));
    const manifest: Manifest = {
      format: 1,
      id,
      lsn: request.lsn,
      sequence: request.sequence,
      previousHash: Buffer.from(request.previousHash).toString('hex'),
      timestamp: request.timestamp,
      hashSeed: this.#options.hashSeed,
      ...this.#state(id, base, request),
      indexes,
    };
    this.#publish(manifest, request.base);
    const kept = base === undefined ? [manifest] : [manifest, base];
    const merged = housekeeping?.published();
    if (housekeeping === undefined) removeOrphans(environment, kept);
    else housekeeping.listsChanged(kept);
    const found = [...update.damage, ...(merged?.damage ?? [])];
    const damage = found.map(({ error, index }) => indexFinding(error, base?.lsn ?? 0, index));
    return { manifest, built: [...update.built(indexes), ...(merged?.built ?? [])], damage };
  }

  /**
   * Does a short piece of what is due beside checkpoints: removing what nothing lists any more, merging. With `inSteps` only.
   * False when nothing is due before the next checkpoint.
   */
  step(): boolean {
    const [newest] = this.all().manifests;
    if (newest === undefined || this.#housekeeping === undefined) return false;
    return this.#housekeeping.step(newest.indexes, () => this.#firstFreeSegment([newest]));
  }

  /** What the manifest of checkpoint `id` says about the state. */
  #state(id: number, base: Manifest | undefined, request: CheckpointRequest): Pick<Manifest, 'sections' | 'state'> {
    const { sections, stateLsn = request.lsn } = request;
    const written = this.#housekeeping?.takeState();
    if (sections !== undefined) {
      if (this.#housekeeping === undefined || stateLsn === request.lsn) {
        const state = stateLsn === request.lsn ? {} : { state: { id, lsn: stateLsn } };
        return { sections: writeSections(this.#environment, id, sections), ...state };
      }
      this.#housekeeping.beginState(id, stateLsn, sections);
    }
    if (written !== undefined) return { sections: written.sections, state: { id: written.id, lsn: written.lsn } };
    return { sections: base?.sections ?? [], state: base === undefined ? NO_STATE : stateOf(base) };
  }

  /** Manifests that can be read, newest first, and the damage of those that cannot. */
  all(): { readonly manifests: readonly Manifest[]; readonly damage: readonly Finding[] } {
    this.#environment.refresh();
    const { manifests, findings } = this.#readManifests();
    return { manifests, damage: findings };
  }

  /**
   * The newest checkpoint that is whole: manifest, every section (CRC-32C of each chunk and SHA-256) and the fences of
   * its segments. Pages of entries are checked when they are read. A damaged one is passed over and reported.
   */
  newest(): { readonly checkpoint: Checkpoint | undefined; readonly damage: readonly Finding[] } {
    const { manifests, damage } = this.all();
    const findings = [...damage];
    for (const manifest of manifests) {
      const sections = this.#readSections(manifest, findings);
      if (sections !== undefined && this.#canOpen(manifest, findings)) {
        return { checkpoint: { manifest, sections }, damage: findings };
      }
    }
    return { checkpoint: undefined, damage: findings };
  }

  /** The state sections of one checkpoint; undefined when one of them is damaged, which `verifyCheckpoints` names. */
  sections(manifest: Manifest): ReadonlyMap<string, Uint8Array> | undefined {
    this.#environment.refresh();
    return this.#readSections(manifest, []);
  }

  /** One state section of a checkpoint; undefined when it has none of that name, or a damaged one. */
  section(manifest: Manifest, name: string): Uint8Array | undefined {
    const number = manifest.sections.findIndex((section) => section.name === name);
    return number < 0 ? undefined : readSection(this.#environment, manifest, number, []);
  }

  /**
   * Opens the segments of a checkpoint for look-ups, and closes those of other checkpoints.
   *
   * @param built what `write` returned, so that nothing of it is read again
   * @returns per index its segments, newest first, for `KeyIndex.install`
   * @throws StorageDamageError when fences are damaged; RangeError when the filters have another hash seed
   */
  openSegments(manifest: Manifest, built: readonly BuiltSegment[] = []): Map<string, readonly Segment[]> {
    if (manifest.hashSeed !== this.#options.hashSeed) {
      throw new RangeError(`checkpoint ${manifest.id} was written with another hash seed`);
    }
    this.#environment.refresh();
    return this.#catalogue.open(manifest.indexes, built);
  }

  /** Reads everything that any kept checkpoint consists of. Takes as long as reading the whole index. */
  verifyCheckpoints(onProgress?: (done: number, total: number) => void): VerifyReport {
    this.#environment.refresh();
    const { manifests, findings } = this.#readManifests();
    return verifyAll(this.#environment, manifests, findings, onProgress);
  }

  /** Closes the environment for this thread. No segment of it may be used any more. */
  close(): Promise<void> {
    return this.#environment.close();
  }

  #publish(manifest: Manifest, base: number): void {
    const { manifests } = this.#environment;
    const others = this.#manifestKeys().filter(([id]) => id !== base);
    this.#environment.transaction(() => {
      manifests.putSync([manifest.id, manifest.lsn], encodeManifest(manifest));
      for (const key of others) manifests.removeSync(key);
    });
    this.#environment.refresh();
  }

  /** Ids are never used again as long as pages of them, or work on them, may be there. */
  #firstFreeSegment(manifests: readonly Manifest[]): number {
    const listed = manifests.flatMap((manifest) => Object.values(manifest.indexes).flat()).map(({ id }) => id);
    const unlisted = this.#housekeeping?.unlisted ?? [];
    return 1 + Math.max(0, ...storedSegments(this.#environment), ...listed, ...unlisted);
  }

  #manifestKeys(): number[][] {
    return [...this.#environment.manifests.getKeys()];
  }

  #readManifests(): { manifests: Manifest[]; findings: Finding[] } {
    const manifests: Manifest[] = [];
    const findings: Finding[] = [];
    for (const key of this.#manifestKeys().reverse()) {
      const [id = 0, lsn = 0] = key;
      const decoded = decodeManifest(this.#environment.manifests.getBinary(key) ?? Buffer.alloc(0), id);
      if (!('problem' in decoded)) manifests.push(decoded);
      else {
        const { problem } = decoded;
        findings.push({ where: 'checkpoint', checkpointLsn: lsn, section: 'manifest', problem });
      }
    }
    return { manifests, findings };
  }

  #readSections(manifest: Manifest, findings: Finding[]): ReadonlyMap<string, Uint8Array> | undefined {
    const sections = new Map<string, Uint8Array>();
    for (const [number, { name }] of manifest.sections.entries()) {
      const data = readSection(this.#environment, manifest, number, findings);
      if (data === undefined) return undefined;
      sections.set(name, data);
    }
    return sections;
  }

  #canOpen(manifest: Manifest, findings: Finding[]): boolean {
    try {
      this.openSegments(manifest);
      return true;
    } catch (error) {
      if (!(error instanceof StorageDamageError)) throw error;
      const [index = ''] =
        Object.entries(manifest.indexes).find(([, metas]) => metas.some((meta) => meta.id === error.segment)) ?? [];
      findings.push(indexFinding(error, manifest.lsn, index));
      return false;
    }
  }
}
