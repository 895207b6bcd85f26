/** The institution that everyone in the sandbox belongs to. */
import type { KeyStore } from './key-store.ts';

const NAME = 'Sandbox';

/** Its number; made when it is not there yet. */
export function sandboxInstitution(store: KeyStore): number {
  const known = store.listInstitutions().find(({ name }) => name === NAME);
  return (known ?? store.createInstitution(NAME)).number;
}
