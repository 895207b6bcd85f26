/** Flipped bytes: verify names them, and opening never takes them for data. */
import { verifyPartition } from '../verify/verify-partition.ts';
import { type Opened, type OpenOptions, openPartition } from '../worker/open.ts';
import type { SimulatedDisk } from './disk.ts';
import type { SimulatedIndex, SimulatedTable } from './index-tables.ts';
import type { Station } from './station.ts';
import type { Step } from './steps.ts';

type Damage = Extract<Step, { readonly type: 'damage' }>;

/**
 * Damages a copy of a partition's disk. Throws when verify finds nothing, or when the copy opens in a state that `compare` objects
 * to. Waste of an unfinished merge may be damaged: it can as well be missing.
 */
export async function damageOne(station: Station, damage: Damage, compare: (opened: Opened) => void): Promise<void> {
  const { disk, options } = station;
  const copy = disk.copy();
  const { place, remove } = damageCopy(copy, damage);
  if (!(await isFound(copy, options))) {
    const without = disk.copy();
    remove(without);
    if (await isFound(without, options)) throw new Error(`verify did not find the byte changed in ${place}`);
  }
  let opened: Opened;
  try {
    opened = await openPartition(options, copy.mount());
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return;
  }
  compare(opened);
}

async function isFound(disk: SimulatedDisk, options: OpenOptions): Promise<boolean> {
  let found = false;
  try {
    await verifyPartition({ ...options, storage: disk.mount(), onFinding: () => (found = true) });
  } catch (error) {
    found = error instanceof Error;
  }
  return found;
}

interface Damaged {
  readonly place: string;
  /** Takes the whole value out of another copy of the disk. */
  readonly remove: (disk: SimulatedDisk) => void;
}

/** Changes one byte of one stored value; says of which. */
function damageCopy({ batches, index }: SimulatedDisk, { where, at, xor }: Damage): Damaged {
  const changed = <T extends Uint8Array>(bytes: T, copy: T): T => {
    copy[at % copy.length] = (bytes[at % copy.length] ?? 0) ^ xor;
    return copy;
  };
  const { pages, sections, manifests } = index;
  let number = where % (batches.length + pages.size + sections.size + manifests.size);
  const batch = batches[number];
  if (batch !== undefined) {
    const place = number;
    batches[place] = { lsn: batch.lsn, bytes: changed(batch.bytes, batch.bytes.slice()) };
    return { place: `batch ${place}`, remove: (disk) => disk.batches.splice(place, 1) };
  }
  number -= batches.length;
  const inTable = <K extends number | number[]>(
    name: string,
    tableOf: (index: SimulatedIndex) => SimulatedTable<K>,
  ): Damaged | undefined => {
    const table = tableOf(index);
    const key = table.getKeys()[number];
    number -= table.size;
    const bytes = key === undefined || number >= 0 ? undefined : table.getBinary(key);
    if (key === undefined || bytes === undefined) return undefined;
    table.putSync(key, changed(bytes, Buffer.from(bytes)));
    return { place: `${name} ${String(key)}`, remove: (disk) => tableOf(disk.index).removeSync(key) };
  };
  const damaged =
    inTable('page', (tables) => tables.pages) ??
    inTable('section', (tables) => tables.sections) ??
    inTable('manifest', (tables) => tables.manifests);
  return damaged ?? { place: 'nothing', remove: () => undefined };
}
