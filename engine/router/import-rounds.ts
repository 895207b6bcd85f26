/**
 * Imports with several partitions. The entries of an account keep the order of their times, and what goes between partitions arrives
 * when it arrives: so records of one message that touch the same account go one after the other, in rounds, each when the one before
 * is answered. What touches other accounts goes at once.
 */
import { TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { partitionAt } from './split.ts';

const { linked, pending, postPending, voidPending, imported } = TransferFlags;
const NO_ID = '0'.repeat(32);

/** Records that are decided together: one, or a chain. */
interface Unit {
  readonly indexes: number[];
  readonly accounts: string[];
  /** Homes of its debit and credit account; of what several partitions do in another way a name of its own. */
  readonly way: string;
  /** The partition in which all of it is; -1 when there are two. */
  readonly home: number;
  /** It does not say which account it touches. */
  readonly isOpen: boolean;
  /** Time of its last record. */
  readonly time: bigint;
}

interface Last {
  readonly unit: Unit;
  readonly round: number;
}

/** The rounds of a message of transfers, each with the indexes of its records, in order; none if it is no import. */
export function importRounds(body: Uint8Array, count: number, partitions: number): number[][] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // A message that has the flag on some records only is not taken apart: the first record says what the others must be.
  for (let index = 0; index < count; index++) if ((flagsOf(view, index) & imported) === 0) return [];
  const rounds: number[][] = [];
  const lastOf = new Map<string, Last>();
  let least = 0;
  for (const unit of unitsOf(body, view, count, partitions)) {
    let round = unit.isOpen ? rounds.length : least;
    for (const account of unit.accounts) round = Math.max(round, roundAfter(unit, account, lastOf.get(account)));
    for (const account of unit.accounts) lastOf.set(account, { unit, round });
    if (unit.isOpen) least = round + 1;
    const known = rounds[round];
    if (known === undefined) rounds[round] = unit.indexes;
    else known.push(...unit.indexes);
  }
  return rounds;
}

/** The first round in which a unit may go, for what was done to one of its accounts before. */
function roundAfter(unit: Unit, account: string, last: Last | undefined): number {
  if (last === undefined) return 0;
  // Messages from one partition to another keep their order; and what is all in one partition is done when it is decided.
  const isDone = last.unit.home >= 0 && unit.accounts[0] === account && unit.accounts.length === 2;
  // One that is too early is refused when the later one is there.
  const isInOrder = last.unit.way === unit.way && last.unit.time <= unit.time;
  return isInOrder || isDone ? last.round : last.round + 1;
}

function unitsOf(body: Uint8Array, view: DataView, count: number, partitions: number): Unit[] {
  const units: Unit[] = [];
  /** Credit accounts of the pending transfers of the message. */
  const credits = new Map<string, string>();
  for (let first = 0; first < count; ) {
    const indexes = [first];
    const accounts: string[] = [];
    const homes = new Set<number>();
    let isOpen = false;
    let ends = false;
    for (let index = first; ; indexes.push(++index)) {
      const at = index * TRANSFER.size;
      const flags = flagsOf(view, index);
      const isEnding = (flags & (postPending | voidPending)) !== 0;
      const debit = idAt(body, at + TRANSFER.at.debitAccountId);
      let credit = idAt(body, at + TRANSFER.at.creditAccountId);
      if ((flags & pending) !== 0) credits.set(idAt(body, at + TRANSFER.at.id), credit);
      if (isEnding && credit === NO_ID) credit = credits.get(idAt(body, at + TRANSFER.at.pendingId)) ?? NO_ID;
      ends ||= isEnding;
      isOpen ||= credit === NO_ID;
      accounts.push(debit, credit);
      for (const id of [debit, credit]) homes.add(partitionAt(bytesOf(id), 0, partitions));
      if ((flags & linked) === 0 || index + 1 === count) break;
    }
    const [home = 0] = homes;
    const isPlain = indexes.length === 1 && !ends && !isOpen;
    const way = isPlain || homes.size === 1 ? [...homes].join() : `unit ${first}`;
    const time = view.getBigUint64((indexes.at(-1) ?? first) * TRANSFER.size + TRANSFER.at.timestamp, true);
    units.push({ indexes, accounts, way, home: homes.size === 1 && !isOpen ? home : -1, isOpen, time });
    first += indexes.length;
  }
  return units;
}

function flagsOf(view: DataView, index: number): number {
  return view.getUint16(index * TRANSFER.size + TRANSFER.at.flags, true);
}

function idAt(body: Uint8Array, at: number): string {
  return Buffer.from(body.buffer, body.byteOffset + at, 16).toString('hex');
}

function bytesOf(id: string): Uint8Array {
  return Buffer.from(id, 'hex');
}
