/**
 * The simulator hunts: each of these bugs, planted alone into a copy of the compiled engine, is found within a bounded number of
 * steps of fixed seeds; without one, the same seeds run clean.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const STEPS = 4_000;
/** Of several partitions: they are slower, and there is less to find in each command. */
const TOWN_STEPS = 1_000;

const HUNT = `
const { simulate } = await import(process.argv[2]);
const [steps, partitions, ...seeds] = process.argv.slice(3).map(Number);
for (const seed of seeds) {
  const { failure, tally } = await simulate(seed, steps, partitions);
  if (failure !== undefined) {
    console.log(JSON.stringify({ seed, step: tally.steps, message: failure.message.split('\\n')[0] }));
    process.exit(1);
  }
}
`;

let folder = '';

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist/engine/simulate/simulate.js'))) throw new Error('run `npm run build` first');
  folder = mkdtempSync(join(tmpdir(), 'sluice-bugs-'));
  for (const part of ['engine', 'protocol']) {
    cpSync(join(ROOT, 'dist', part), join(folder, 'dist', part), { recursive: true, filter: isNeeded });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'hunt.js'), HUNT);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isNeeded(path: string): boolean {
  return !path.endsWith('.map') && !path.endsWith('.d.ts');
}

function hunt(partitions = 1): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      'hunt.js',
      './dist/engine/simulate/simulate.js',
      ...[partitions === 1 ? STEPS : TOWN_STEPS, partitions, ...SEEDS].map(String),
    ],
    {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  return { status, output: stdout + stderr };
}

/** Plants a bug while `use` runs. */
function withBug<T>({ file, edits }: PlantedBug, use: () => T): T {
  const path = join(folder, 'dist', file);
  const sound = readFileSync(path, 'utf8');
  let text = sound;
  for (const [find, replace] of edits) {
    expect(text.split(find).length - 1, `${JSON.stringify(find)} in ${file}`).toBe(1);
    text = text.replace(find, () => replace);
  }
  writeFileSync(path, text);
  try {
    return use();
  } finally {
    writeFileSync(path, sound);
  }
}

describe('planted bugs', () => {
  it.each([1, 2])('are all there is to find in %i partitions', (partitions) => {
    expect(hunt(partitions)).toEqual({ status: 0, output: '' });
  });

  it.each(PLANTED_BUGS)('$name', (bug) => {
    const { status, output } = withBug(bug, () => hunt(bug.partitions));
    expect(status, output).toBe(1);
    expect(JSON.parse(output)).toMatchObject({ seed: expect.any(Number) });
    if (process.env.SEEN !== undefined) console.log(bug.name, output);
  });
});
