/** Whether institutions, API keys and webhooks can be read: every entry of each table, decoded. */
import { type Key, open } from 'lmdb';
import { CONTROL_DATABASES_MAX } from '../admission/key-store.ts';
import type { Finding } from '../storage/verify-journal.ts';

const TABLES = ['institutions', 'keys', 'webhooks', 'webhook-states', 'webhook-dead'] as const;

/** @param path the folder of the LMDB environment */
export async function verifyControl(path: string, onFinding: (finding: Finding) => void): Promise<number> {
  const root = open({ path, readOnly: true, overlappingSync: false, maxDbs: CONTROL_DATABASES_MAX });
  let entries = 0;
  try {
    for (const name of TABLES) {
      // It is not there as long as no switch has run and no key was made.
      const table = root.openDB<Uint8Array, Key>({ name, encoding: 'binary' }) ?? [];
      if (Array.isArray(table)) continue;
      for (const { key, value } of table.getRange({})) {
        entries++;
        const problem = problemOf(value);
        if (problem !== undefined)
          onFinding({ where: 'control', problem: `${name}: the entry ${String(key)} ${problem}` });
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
