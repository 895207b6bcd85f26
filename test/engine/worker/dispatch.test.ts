// Kinds of commands: what partitions say to each other shares one byte with what clients ask.
import { expect, it } from 'vitest';
import { ClearingKinds } from '../../../engine/worker/clearing-commands.ts';
import { COMMANDS } from '../../../protocol/commands.ts';

it('gives each kind to one command, of clients or of partitions', () => {
  const kinds = [...Object.values(COMMANDS).map(({ kind }) => kind), ...Object.values(ClearingKinds)];
  expect(new Set(kinds).size).toBe(kinds.length);
});
