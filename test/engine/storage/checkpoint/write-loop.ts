/** A process that writes one checkpoint after the other until it is killed, and says each that it has written. */
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { Memtable } from '../../../../engine/storage/index/memtable.ts';
import { keyOfLsn, request, section } from '../support.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const hashSeed = 5;
const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2 });
const { checkpoint } = store.newest();
let base = checkpoint?.manifest.id ?? 0;
let lsn = checkpoint?.manifest.lsn ?? 1;
for (;;) {
  const memtable = new Memtable({ bound: Number(count), hashSeed });
  for (const end = lsn + Number(count); lsn < end; lsn++) memtable.put(...keyOfLsn(lsn), lsn);
  const sections = { state: section(600_000, (at) => at ^ (lsn & 255)) };
  base = store.write(request({ base, lsn, sections, frozen: { keys: memtable.freeze() } })).manifest.id;
  process.stdout.write(`${lsn}\n`);
}
