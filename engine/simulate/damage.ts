/** Flipped bytes: verify names them, and opening never takes them for data. */
import { verifyPartition } from '../verify/verify-partition.ts';
import { type Opened, openPartition } from '../worker/open.ts';
import type { SimulatedDisk } from './disk.ts';
import type { SimulatedTable } from './index-tables.ts';
import { openOptions } from './settings.ts';
import type { Episode, Step } from './steps.ts';

type Damage = Extract<Step, { readonly type: 'damage' }>;

/**
 * Damages a copy of the disk. Throws when verify finds nothing, or when the copy opens in a state that `compare` objects to.
 */
export async function damageOne(
  disk: SimulatedDisk,
  { holdsMax }: Episode,
  damage: Damage,
  compare: (opened: Opened) => void,
): Promise<void> {
  const copy = disk.copy();
  const place = damageCopy(copy, damage);
  const options = openOptions(holdsMax);
  let found = false;
  try {
    await verifyPartition({ ...options, storage: copy.mount(), onFinding: () => (found = true) });
  } catch (error) {
    found = error instanceof Error;
  }
  if (!found) throw new Error(`verify did not find the byte changed in ${place}`);
  let opened: Opened;
  try {
    opened = await openPartition(options, copy.mount());
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return;
  }
  compare(opened);
}

/** Changes one byte of one stored value; says of which. */
function damageCopy({ batches, index }: SimulatedDisk, { where, at, xor }: Damage): string {
  const changed = <T extends Uint8Array>(bytes: T, copy: T): T => {
    copy[at % copy.length] = (bytes[at % copy.length] ?? 0) ^ xor;
    return copy;
  };
  const { pages, sections, manifests } = index;
  let number = where % (batches.length + pages.size + sections.size + manifests.size);
  const batch = batches[number];
  if (batch !== undefined) {
    batches[number] = { lsn: batch.lsn, bytes: changed(batch.bytes, batch.bytes.slice()) };
    return `batch ${number}`;
  }
  number -= batches.length;
  const inTable = <K extends number | number[]>(name: string, table: SimulatedTable<K>): string | undefined => {
    const key = table.getKeys()[number];
    number -= table.size;
    const bytes = key === undefined || number >= 0 ? undefined : table.getBinary(key);
    if (key === undefined || bytes === undefined) return undefined;
    table.putSync(key, changed(bytes, Buffer.from(bytes)));
    return `${name} ${String(key)}`;
  };
  return inTable('page', pages) ?? inTable('section', sections) ?? inTable('manifest', manifests) ?? 'nothing';
}
