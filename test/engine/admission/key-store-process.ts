/** The other process of the key store's test: does what its standard input says, a line each. */
import { createInterface } from 'node:readline';
import { KeyStore } from '../../../engine/admission/key-store.ts';

const store = KeyStore.open({ directory: process.argv[2] ?? '', nowMs: Date.now });
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, argument = ''] = line.split(' ');
  if (verb === 'create') {
    const { number } = store.createInstitution('from the command line');
    console.log(store.createKey({ institution: number, scopes: ['pay'], label: 'other process' }).text);
  } else if (verb === 'revoke') {
    console.log(store.revokeKey(argument));
  } else {
    console.log(store.authenticate(argument)?.institutionName);
  }
}
await store.close();
