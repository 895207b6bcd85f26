/** Brings the tables of protocol/README.md up to date: `npx tsx test/protocol/write-readme.ts`, then format. */
import { readFileSync, writeFileSync } from 'node:fs';
import { README, regenerated } from './support/specification.ts';

writeFileSync(README, regenerated(readFileSync(README, 'utf8')));
