import { describe, expect, it } from 'vitest';
import { runBench } from '../../bench/main.ts';
import { defaultShape, readOptions, WORKLOADS } from '../../bench/options.ts';
import { UsageError } from '../../engine/cli/errors.ts';
import { run } from '../../engine/cli/program.ts';
import { OPTIONS } from '../../engine/config/options.ts';
import { DEFAULT_BOUNDS } from '../../engine/worker/batch.ts';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

describe('words that make no sense', () => {
  it.each([
    ['nonsense', /not a workload/],
    ['transfers payments', /one workload/],
    ['transfers --seconds', /--seconds/],
    ['transfers --seconds soon', /--seconds must be a number/],
    ['transfers --seconds 0', /--seconds must be a number from 0.1/],
    ['transfers --batch 0', /--batch must be/],
    ['transfers --batch 8191', /--batch must be/],
    ['transfers --batch 1.5', /whole number/],
    ['payments --batch 10', /--batch belongs to transfers/],
    ['transfers --transfers 100000', /--transfers belongs to growth/],
    ['growth --transfers 10', /--transfers must be/],
    ['growth --rate 10', /--rate belongs to/],
    ['growth --compare', /compares with itself/],
    ['transfers --accounts cold', /uniform, zipf, hot/],
    ['transfers --partitions 65', /--partitions/],
    ['transfers --partitions 4 --account-count 100', /--account-count/],
    ['transfers --crossing 0.5', /several partitions/],
    ['payments --partitions 2 --crossing 0.5', /--crossing belongs to transfers/],
    ['transfers --partitions 2 --crossing 2', /--crossing must be a number from 0 to 1/],
    ['transfers --keep data', /--keep belongs to growth/],
    ['transfers --in-flight 5000', /--in-flight/],
    ['http --rate 100', /--rate belongs to/],
    ['ceiling --rate 100', /--rate belongs to/],
    ['ceiling --compare', /ceiling/],
    ['transfers --fast', /--fast/],
  ])('%s', (text, message) => {
    expect(() => readOptions(words(text))).toThrow(UsageError);
    expect(() => readOptions(words(text))).toThrow(message);
  });

  it('end the program with 2', async () => {
    let errors = '';
    const terminal = {
      output: { write: () => true },
      errors: { write: (text: string) => (errors += text) },
      environment: {},
    };
    expect(await run(['bench', 'transfers', '--batch', 'many', '--json'], terminal)).toBe(2);
    expect(errors).toContain('--batch must be a number');
  });
});

describe('words that do', () => {
  it('have the documented defaults', () => {
    expect(readOptions(['transfers'])).toEqual({
      type: 'run',
      options: {
        workload: 'transfers',
        seconds: 10,
        transfers: 5_000_000,
        json: false,
        batch: 8190,
        accounts: 'uniform',
        accountCount: 10_000,
        partitions: 1,
        connections: 3,
        inFlight: 2,
        rate: undefined,
        rules: 'default',
        compare: false,
        crossing: 0,
        keep: undefined,
        cpuProf: undefined,
      },
    });
  });

  it('with several partitions transfers cross as uniform accounts make them, unless told otherwise', () => {
    const crossing = (text: string): unknown => {
      const request = readOptions(words(text));
      return request.type === 'run' ? request.options.crossing : undefined;
    };
    expect(crossing('transfers --partitions 4')).toBe(0.75);
    expect(crossing('transfers --partitions 4 --crossing 0')).toBe(0);
    expect(crossing('growth --partitions 4')).toBe(0);
  });

  it.each(['', 'help', '--help', 'transfers -h'])('"%s" prints the page', async (text) => {
    let page = '';
    const writer = { write: (part: string) => (page += part) };
    expect(await runBench(words(text), { output: writer, errors: writer })).toBe(0);
    for (const workload of WORKLOADS) expect(page).toContain(workload);
  });
});

// Invariant: what the defaults leave unanswered always fits into the queue of one partition, so nothing is `busy`.
it.each([1, 2, 10, 100, 101, 1000, 1001, 4000, 4096, 8190])('batches of %i never fill the queue', (batch) => {
  const { connections, inFlight } = defaultShape('transfers', batch);
  const perBatch = Math.floor(DEFAULT_BOUNDS.recordsMax / batch);
  expect(inFlight).toBeGreaterThan(0);
  expect(Math.ceil((connections * inFlight) / perBatch)).toBeLessThan(OPTIONS.queueBatchesMax.default);
});
