/**
 * The state of a partition as the sections of a checkpoint, and back. Holds are saved in order of their ids, so that equal
 * states make equal sections however they came about; only the timers may hold reminders that no longer matter.
 */
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import type { AccountColumn } from '../ledger/accounts.ts';
import { ACCOUNT_COLUMNS } from '../ledger/accounts.ts';
import type { Clearing, JointUnderWay, PreparedPart } from '../ledger/clearing.ts';
import type { HoldColumn, Holds } from '../ledger/holds.ts';
import { HOLD_COLUMNS } from '../ledger/holds.ts';
import { JointKinds, readJoint } from '../ledger/joint-event.ts';
import type { SavedOutbox } from '../outbox/outbox.ts';
import { lockDraft } from '../payment/joint-payments.ts';
import { describeSections, isFeatureSection } from '../risk/feature-sections.ts';
import { canonicalCounts } from '../risk/shared-counts.ts';
import type { PartitionState } from './state.ts';

export type Sections = Readonly<Record<string, Uint8Array>>;

/** What an account takes in a snapshot; a hold takes less. */
export const SNAPSHOT_ROW_BYTES = 104;

/** Bytes of one saved hold: id, debit, credit, amount, deadline, code. */
const HOLD_BYTES = 48;

/** Copies the state into shared memory, so that another thread can write it while this one goes on. */
export function takeSnapshot(state: PartitionState): Sections {
  const { accounts, holds } = state.ledger;
  const sections: Record<string, Uint8Array> = {};
  for (const column of ACCOUNT_COLUMNS) {
    const array = accounts[column];
    const per = column === 'ids' ? 4 : 1;
    sections[`accounts.${column}`] = shared(bytesOf(array.subarray(0, accounts.count * per)));
  }
  sections.holds = shared(saveHolds(holds, holds.extent));
  const { features } = state.risk;
  features.beginCopy();
  features.advance(Number.POSITIVE_INFINITY);
  return { ...sections, ...features.takeCopy(), ...smallSections(state) };
}

/** What is small enough to be copied at once, whatever the number of accounts. */
function smallSections(state: PartitionState): Sections {
  const { timers } = state.ledger.tables;
  return {
    'timers.deadline': shared(bytesOf(timers.deadline.subarray(0, timers.count))),
    'timers.keys': shared(bytesOf(timers.keys.subarray(0, timers.count * 4))),
    clearing: shared(saveUnfinished(state.ledger.clearing)),
    ...saveJoint(state.ledger.clearing),
    entities: shared(state.entities.snapshot()),
    ...state.registry.save(),
    ...outboxSection(state),
    heads: shared(encodeMessagePack({ heads: [...state.payments.heads] })),
    ...riskSections(state),
  };
}

/** None when there never was an entry, as in checkpoints that were taken before there could be any. */
function outboxSection({ outbox }: PartitionState): Sections {
  const saved = outbox.save();
  return saved === undefined ? {} : { outbox: shared(encodeMessagePack(saved)) };
}

/** None without rules and challenges, as in checkpoints that were taken before there were any. */
function riskSections({ payments, risk, ruleSets }: PartitionState): Sections {
  const challenges = payments.challenges.snapshot();
  const { inForce } = ruleSets;
  const counts = risk.shared.save();
  return {
    ...(inForce === 0 ? {} : { 'risk.rules': shared(encodeMessagePack({ inForce })) }),
    ...(challenges === undefined ? {} : { challenges: shared(challenges) }),
    ...(counts === undefined ? {} : { [COUNTS]: shared(counts) }),
  };
}

/**
 * The same state, copied a bit after each batch while the batches go on. Holds are saved as columns, free slots included: to
 * sort them would be a pause. What it gives is good until it begins again.
 */
export class SnapshotInSteps {
  readonly #state: PartitionState;
  #small: Sections = {};
  /** Rows copied so far, of all snapshots. */
  copied = 0;

  constructor(state: PartitionState) {
    this.#state = state;
  }

  /** Takes note of the state as it is now. */
  begin(): void {
    const { accounts, holds } = this.#state.ledger;
    accounts.beginCopy();
    holds.beginCopy();
    this.#state.risk.features.beginCopy();
    this.#small = smallSections(this.#state);
  }

  /** Copies so many accounts, holds and rows of features, or a few more. The sections once nothing is left. */
  advance(rows: number): Sections | undefined {
    const { accounts, holds } = this.#state.ledger;
    let done = accounts.copy.advance(rows);
    const { features } = this.#state.risk;
    if (done < rows) done += holds.copy.advance(rows - done);
    if (done < rows) done += features.advance(rows - done);
    this.copied += done;
    if (!accounts.copy.isDone || !holds.copy.isDone || !features.isCopied) return undefined;
    const accountColumns = accounts.copy.take();
    const holdColumns = holds.copy.take();
    return {
      ...Object.fromEntries(ACCOUNT_COLUMNS.map((name, at) => [`accounts.${name}`, accountColumns[at] as Uint8Array])),
      ...Object.fromEntries(HOLD_COLUMNS.map((name, at) => [holdSection(name), holdColumns[at] as Uint8Array])),
      ...features.takeCopy(),
      ...this.#small,
    };
  }
}

/** The sections of a checkpoint in the form of `takeSnapshot`, in which equal states are equal. */
export function canonicalSections(sections: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const canonical = new Map([...sections].filter(([name]) => !name.startsWith('holds.') && !isFeatureSection(name)));
  const features = describeSections(sections);
  const counts = sections.get(COUNTS);
  if (counts !== undefined) canonical.set(COUNTS, canonicalCounts(counts));
  if (features !== undefined) canonical.set('risk.features', new TextEncoder().encode(features.join('\n')));
  if (canonical.has('accounts.ids')) canonical.set(TIERS, tiersOf(sections));
  const columns = holdColumnsOf(sections);
  if (columns !== undefined) canonical.set('holds', saveHolds(columns, columns.remaining.length));
  return canonical;
}

/** Name of a section that a checkpoint of an older version does not have; undefined when it has all. */
export function missingSection(sections: ReadonlyMap<string, Uint8Array>): string | undefined {
  return ACCOUNT_COLUMNS.map((column) => `accounts.${column}`).find((name) => name !== TIERS && !sections.has(name));
}

const COUNTS = 'risk.counts';
const TIERS = 'accounts.tier' satisfies `accounts.${AccountColumn}`;

/** Checkpoints from before there were tiers do not have them: they were all zero. */
function tiersOf(sections: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return sections.get(TIERS) ?? new Uint8Array((sections.get('accounts.ids')?.length ?? 0) / 16);
}

/** Fills an empty state. Entities are read from the journal, so the event log must be able to read by now. */
export function restoreSnapshot(state: PartitionState, sections: ReadonlyMap<string, Uint8Array>): void {
  const { accounts, holds, tables } = state.ledger;
  const section = (name: string): Uint8Array => {
    const bytes = name === TIERS ? tiersOf(sections) : sections.get(name);
    if (bytes === undefined) throw new Error(`the checkpoint has no section ${name}`);
    return bytes;
  };
  const columns = Object.fromEntries(ACCOUNT_COLUMNS.map((column) => [column, section(`accounts.${column}`)]));
  accounts.restore(section('accounts.ids').length / 16, columns as Record<AccountColumn, Uint8Array>);
  for (let index = 0; index < accounts.count; index++) state.ledger.clearing.opened(index);
  const held = holdColumnsOf(sections);
  restoreHolds(holds, held === undefined ? section('holds') : saveHolds(held, held.remaining.length));
  const deadline = new Float64Array(section('timers.deadline').slice().buffer);
  const keys = new Uint32Array(section('timers.keys').slice().buffer);
  for (let at = 0; at < deadline.length; at++) {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = keys.subarray(at * 4, at * 4 + 4);
    tables.timers.schedule(deadline[at] as number, w0, w1, w2, w3);
  }
  restoreUnfinished(state.ledger.clearing, section('clearing'));
  const joint = sections.get('joint');
  if (joint !== undefined) restoreJoint(state, joint);
  state.entities.restore(section('entities'));
  restoreOutbox(state, sections);
  restoreRisk(state, sections);
  state.registry.restore(sections);
  const { heads } = decodeMessagePack(section('heads')) as { heads: [number, number][] };
  for (const [institution, lsn] of heads) state.payments.heads.set(institution, lsn);
}

function restoreOutbox({ outbox }: PartitionState, sections: ReadonlyMap<string, Uint8Array>): void {
  const section = sections.get('outbox');
  if (section !== undefined) outbox.restore(decodeMessagePack(section) as object as SavedOutbox);
}

function restoreRisk(state: PartitionState, sections: ReadonlyMap<string, Uint8Array>): void {
  const rules = sections.get('risk.rules');
  if (rules !== undefined) {
    const { inForce } = decodeMessagePack(rules) as { inForce: number };
    state.ruleSets.replay(state.events.read(inForce), inForce);
    state.risk.features.restore(sections);
  }
  const counts = sections.get(COUNTS);
  if (counts !== undefined) state.risk.shared.restore(counts);
  const challenges = sections.get('challenges');
  if (challenges !== undefined) state.payments.challenges.restore(challenges);
}

type HoldColumns = Pick<Holds, HoldColumn>;

function holdSection(name: HoldColumn): string {
  return `holds.${name}`;
}

/** Undefined in a checkpoint that was taken at once, and when a column is missing. */
function holdColumnsOf(sections: ReadonlyMap<string, Uint8Array>): HoldColumns | undefined {
  if (HOLD_COLUMNS.some((name) => !sections.has(holdSection(name)))) return undefined;
  const buffer = (name: HoldColumn): ArrayBuffer => new Uint8Array(sections.get(holdSection(name)) ?? []).buffer;
  return {
    ids: new Uint32Array(buffer('ids')),
    debit: new Uint32Array(buffer('debit')),
    credit: new Uint32Array(buffer('credit')),
    remaining: new Float64Array(buffer('remaining')),
    deadline: new Float64Array(buffer('deadline')),
    code: new Uint16Array(buffer('code')),
  };
}

/** Rows of the holds that are open, in order of their ids. */
function saveHolds(holds: HoldColumns, extent: number): Uint8Array {
  const open = Array.from({ length: extent }, (_, slot) => slot).filter((slot) => holds.remaining[slot] !== 0);
  const word = (slot: number, index: number): number => holds.ids[(slot << 2) + index] as number;
  open.sort(
    (a, b) => word(a, 3) - word(b, 3) || word(a, 2) - word(b, 2) || word(a, 1) - word(b, 1) || word(a, 0) - word(b, 0),
  );
  const view = new DataView(new ArrayBuffer(open.length * HOLD_BYTES));
  open.forEach((slot, index) => {
    const at = index * HOLD_BYTES;
    for (let w = 0; w < 4; w++) view.setUint32(at + w * 4, word(slot, w), true);
    view.setUint32(at + 16, holds.debit[slot] as number, true);
    view.setUint32(at + 20, holds.credit[slot] as number, true);
    view.setFloat64(at + 24, holds.remaining[slot] as number, true);
    view.setFloat64(at + 32, holds.deadline[slot] as number, true);
    view.setUint32(at + 40, holds.code[slot] as number, true);
  });
  return new Uint8Array(view.buffer);
}

function restoreHolds(holds: Holds, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += HOLD_BYTES) {
    holds.add(
      view.getUint32(at, true),
      view.getUint32(at + 4, true),
      view.getUint32(at + 8, true),
      view.getUint32(at + 12, true),
      view.getUint32(at + 16, true),
      view.getUint32(at + 20, true),
      view.getFloat64(at + 24, true),
      view.getFloat64(at + 32, true),
      view.getUint32(at + 40, true),
    );
  }
}

/** [position, account, offered, posted] each. */
function saveUnfinished({ unfinished }: Clearing): Uint8Array {
  const saved = [...unfinished].flatMap(([lsn, { account, offered, posted }]) => [lsn, account, offered, posted]);
  return bytesOf(Float64Array.from(saved));
}

function restoreUnfinished({ unfinished }: Clearing, bytes: Uint8Array): void {
  const saved = new Float64Array(bytes.slice().buffer);
  for (let at = 0; at < saved.length; at += 4) {
    const [lsn = 0, account = 0, offered = 0, posted = 0] = saved.subarray(at, at + 4);
    unfinished.set(lsn, { account, offered, posted });
  }
}

/** No section when nothing is under way, as in checkpoints that were taken before partitions carried anything out together. */
function saveJoint({ requests, prepared }: Clearing): Sections {
  if (requests.size + prepared.size === 0) return {};
  return { joint: shared(encodeMessagePack({ requests: [...requests], prepared: [...prepared] })) };
}

function restoreJoint({ ledger, payments, events }: PartitionState, bytes: Uint8Array): void {
  const { requests, prepared } = decodeMessagePack(bytes) as {
    requests: [number, JointUnderWay][];
    prepared: [string, PreparedPart][];
  };
  for (const [lsn, underWay] of requests) {
    ledger.clearing.requests.set(lsn, underWay);
    if (underWay.kind === JointKinds.request) lockDraft(payments.locks, readJoint(events.read(lsn)).draft, lsn);
  }
  for (const [key, part] of prepared) ledger.clearing.prepared.set(key, part);
}

function bytesOf(array: Uint32Array | Float64Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
