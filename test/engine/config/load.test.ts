import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, type ConfigInput, loadConfig } from '../../../engine/config/load.ts';
import { environmentVariableOf, OPTION_NAMES, OPTIONS } from '../../../engine/config/options.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const load = (input: Partial<ConfigInput>) => loadConfig({ flags: {}, environment: {}, file: undefined, ...input });

function problemsOf(input: Partial<ConfigInput>): readonly string[] {
  try {
    load(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('precedence', () => {
  it('takes flags over the environment, that over the file, and that over the default', () => {
    const file = write('precedence.yaml', 'port: 1\nhost: file\nlog-level: debug\n');
    const environment = { SLUICE_PORT: '2', SLUICE_HOST: 'environment' };
    const { config, sources } = load({ flags: { port: '3' }, environment, file });
    expect(config).toMatchObject({ port: 3, host: 'environment', logLevel: 'debug', partitions: 1 });
    expect(sources).toMatchObject({ port: 'flag', host: 'environment', logLevel: 'file', partitions: 'default' });
  });

  it('finds the file through SLUICE_CONFIG, and prefers --config', () => {
    const first = write('first.yaml', 'port: 1');
    const second = write('second.json', '{ "port": 2 }');
    expect(load({ environment: { SLUICE_CONFIG: first } }).config.port).toBe(1);
    expect(load({ environment: { SLUICE_CONFIG: first }, file: second }).config.port).toBe(2);
  });

  it('is frozen', () => {
    const { config } = load({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });
});

describe('values', () => {
  it.each([
    ['batchBytesMax', '8MiB', 8_388_608],
    ['filterBytesMax', '1 GB', 1_000_000_000],
    ['filterBytesMax', '0', 0],
    ['checkpointEveryBytes', '2097152', 2_097_152],
    ['sandbox', 'yes', true],
    ['sandbox', 'off', false],
    ['port', '0', 0],
    ['idleTimeoutS', '0', 0],
    ['logFormat', 'pretty', 'pretty'],
  ] as const)('reads %s from %j', (name, text, expected) => {
    const variable = environmentVariableOf(OPTIONS[name].key);
    expect(load({ environment: { [variable]: text } }).config[name]).toBe(expected);
  });

  it('accepts the example of every option, and its default', () => {
    for (const name of OPTION_NAMES) {
      const { schema, example, default: initial } = OPTIONS[name];
      expect(schema.safeParse(example).success, `${name} ${example}`).toBe(true);
      expect(schema.safeParse(initial).success, name).toBe(true);
    }
  });
});

describe('rejections', () => {
  it.each([
    ['port', '65536', '--port must be a whole number from 0 to 65535, not "65536"'],
    ['port', '-1', '--port must be a whole number from 0 to 65535, not "-1"'],
    ['port', '74.5', '--port must be a whole number from 0 to 65535, not "74.5"'],
    ['port', '', '--port must be a whole number from 0 to 65535'],
    ['host', '', '--host must not be empty'],
    ['host', 'a\nb', '--host must not contain control characters, not "a\\nb"'],
    ['sandbox', 'maybe', '--sandbox must be true or false, not "maybe"'],
    ['logFormat', 'xml', '--log-format must be one of auto, json, pretty, not "xml"'],
    ['idleTimeoutS', '5', '--idle-timeout-s must be 0, or from 8 to 960, not "5"'],
    ['batchBytesMax', '1MiB', '--batch-bytes-max must be a size from 4MiB to 64MiB, for example 64MiB, not "1MiB"'],
    [
      'batchBytesMax',
      '4 parsecs',
      '--batch-bytes-max must be a size from 4MiB to 64MiB, for example 64MiB, not "4 parsecs"',
    ],
  ] as const)('refuses %s = %j', (name, text, problem) => {
    expect(problemsOf({ flags: { [name]: text } })).toEqual([problem]);
  });

  it('names unknown keys of the file and the environment, with what was meant', () => {
    const file = write('unknown.yaml', 'prot: 7400\nwhatever-this-is: 1\n');
    expect(problemsOf({ file, environment: { SLUICE_PARTITION: '2', OTHER_PORT: 'x' } })).toEqual([
      `${file}: unknown option prot (did you mean port?)`,
      `${file}: unknown option whatever-this-is`,
      'unknown environment variable SLUICE_PARTITION (did you mean SLUICE_PARTITIONS?)',
    ]);
  });

  it('lists every problem at once', () => {
    expect(problemsOf({ flags: { port: 'x', partitions: '0' }, environment: { SLUICE_HOST: '' } })).toHaveLength(3);
  });

  it('says where a wrong value stands', () => {
    const file = write('wrong.yaml', 'port: many');
    expect(problemsOf({ file })).toEqual([`${file}: port must be a whole number from 0 to 65535, not "many"`]);
    expect(problemsOf({ environment: { SLUICE_PORT: 'many' } })[0]).toMatch(/^SLUICE_PORT must be/);
  });

  it.each([
    ['a list', '- port', /must hold a map/],
    ['a key that is given twice', 'port: 1\nport: 2', /unique/i],
    ['text that is no YAML', 'port: [1', /:/],
  ])('refuses a file with %s', (_, text, problem) => {
    expect(problemsOf({ file: write('bad.yaml', text) })[0]).toMatch(problem);
  });

  it('refuses files that cannot be read', () => {
    expect(problemsOf({ file: join(folder, 'missing.yaml') })[0]).toMatch(/cannot be read: ENOENT/);
    const tls = { tlsCert: join(folder, 'no.crt'), tlsKey: join(folder, 'no.key') };
    expect(problemsOf({ flags: tls })).toEqual([
      expect.stringMatching(/^--tls-cert names a file that cannot be read: ENOENT/),
      expect.stringMatching(/^--tls-key names a file that cannot be read: ENOENT/),
    ]);
  });

  it('refuses contradictions', () => {
    const pem = write('tls.pem', '');
    expect(problemsOf({ flags: { tlsCert: pem } })).toEqual([
      'tls-cert and tls-key need each other: give both, or neither',
    ]);
    expect(problemsOf({ flags: { tlsCert: pem, tlsKey: pem, sandbox: true } })).toEqual([
      'sandbox and tls-cert exclude each other: a sandbox is for trying the switch on one machine',
    ]);
    expect(problemsOf({ flags: { sandbox: true, iso8583IssuerPort: 8584 } })).toEqual([
      'iso8583-issuer-port needs iso8583-port: without it no card messages come',
    ]);
  });
});
