/** A process that writes one checkpoint after the other until it is killed, and says each that it has written. */
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { Memtable } from '../../../../engine/storage/index/memtable.ts';
import { keyOfLsn, request, section } from '../support.ts';

const [path = '', count = '0', mode = 'at once'] = process.argv.slice(2);
const hashSeed = 5;
const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2, inSteps: mode === 'in steps' });
const { checkpoint } = store.newest();
let base = checkpoint?.manifest.id ?? 0;
let lsn = checkpoint?.manifest.lsn ?? 1;
for (;;) {
  const memtable = new Memtable({ bound: Number(count), hashSeed });
  for (const end = lsn + Number(count); lsn < end; lsn++) memtable.put(...keyOfLsn(lsn), lsn);
  const sections = { state: section(600_000, (at) => at ^ (lsn & 255)) };
  base = store.write(request({ base, lsn, sections, frozen: { keys: memtable.freeze() } })).manifest.id;
  process.stdout.write(`${lsn}\n`);
  // Merges are always under way: sometimes one is done before the next checkpoint, sometimes it goes on after it.
  for (let steps = (lsn / 3000) % 7; steps > 0 && store.step(); steps--);
}
