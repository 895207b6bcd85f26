/** Whether institutions and API keys can be read: every entry of both tables, decoded. */
import { open } from 'lmdb';
import type { Finding } from '../storage/verify-journal.ts';

/** @param path the folder of the LMDB environment */
export async function verifyControl(path: string, onFinding: (finding: Finding) => void): Promise<number> {
  const root = open({ path, readOnly: true, overlappingSync: false, maxDbs: 4 });
  let entries = 0;
  try {
    for (const name of ['institutions', 'keys']) {
      // It is not there as long as no switch has run and no key was made.
      const table = root.openDB<Uint8Array, string | number>({ name, encoding: 'binary' }) ?? [];
      if (Array.isArray(table)) continue;
      for (const { key, value } of table.getRange({})) {
        entries++;
        const problem = problemOf(value);
        if (problem !== undefined) onFinding({ where: 'control', problem: `${name}: the entry ${key} ${problem}` });
      }
    }
  } finally {
    await root.close();
  }
  return entries;
}

function problemOf(value: Uint8Array): string | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    return typeof parsed === 'object' && parsed !== null ? undefined : 'is not an object';
  } catch {
    return 'is not JSON';
  }
}
