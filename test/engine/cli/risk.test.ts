// `sluice risk default` and `check`: what is printed can be checked, and every mistake is told with its place.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../engine/cli/program.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-risk-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function sluice(...words: string[]) {
  let output = '';
  let errors = '';
  const code = await run(words, {
    output: { write: (text) => (output += text), columns: 100 },
    errors: { write: (text) => (errors += text), columns: 100 },
    environment: { NO_COLOR: '1' },
  });
  return { code, output, errors };
}

function file(text: string): string {
  const path = join(directory, 'rules.yaml');
  writeFileSync(path, text);
  return path;
}

describe('sluice risk', () => {
  it('default prints what check finds valid', async () => {
    const path = file((await sluice('risk', 'default')).output);
    const told = await sluice('risk', 'check', path);
    expect(told).toMatchObject({ code: 0, errors: '' });
    expect(told.output).toMatch(/ is a valid rule set: default-1, \d+ rules, \d+ of them live\.\n$/);
    const { valid, live } = JSON.parse((await sluice('risk', 'check', path, '--json')).output);
    expect([valid, live >= 20]).toEqual([true, true]);
  });

  it('check names every mistake with its line, and ends with 1', async () => {
    const reason = 'reason: { en: a, zh: b }';
    const path = file(`version: "1"
rules:
  - { id: day, kind: limit, per: day, tiers: { 1: { CNY: "1.005" } }, outcome: decline, ${reason} }
  - { id: day, kind: country, block: [China], outcome: refuse, ${reason}, mood: bad }
  - { id: asks, kind: cel, when: tier > bogus, outcome: hold, ${reason} }
`);
    const { code, output, errors } = await sluice('risk', 'check', path);
    expect(code).toBe(1);
    expect(output.split('\n').map((line) => line.replace(path, 'rules.yaml').split(' ').slice(0, 2).join(' '))).toEqual(
      [
        'rules.yaml:3:58: rules.0.tiers.1.CNY',
        'rules.yaml:4:11: rules.1.id',
        'rules.yaml:4:39: rules.1.block.0',
        'rules.yaml:4:56: rules.1.outcome',
        'rules.yaml:4:96: rules.1.mood',
        'rules.yaml:5:41: rules.2.when',
        '',
      ],
    );
    expect(errors).toBe(`error: 6 mistakes in ${path}\n`);
    const { valid, mistakes } = JSON.parse((await sluice('risk', 'check', path, '--json')).output);
    expect(valid).toBe(false);
    expect(mistakes[0]).toEqual({
      ...{ line: 3, column: 58, path: 'rules.0.tiers.1.CNY' },
      message: 'must be an amount of CNY, as "1000.00"',
    });
  });

  it('check of what is not there ends with 2', async () => {
    expect(await sluice('risk', 'check', join(directory, 'none.yaml'))).toMatchObject({
      code: 2,
      errors: expect.stringContaining('the rule file cannot be read'),
    });
  });
});
