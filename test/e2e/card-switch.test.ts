// A sandbox, a terminal over a real socket, and what is left of a card afterwards: nothing that must not be kept (PCI DSS 3.3.1, 3.5.1).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { sandboxCard, sandboxCardToken } from '../../adapters/terminal/sandbox.ts';
import { formatId } from '../../protocol/ids.ts';
import { dataFolder, PROGRAM } from '../support/switch.ts';

interface Shown {
  readonly atc: number;
  readonly exchanges: readonly Record<string, unknown>[];
}

it('a card is tapped, reversed and refused, and the directory and the log know no number of it', async () => {
  const dataDir = dataFolder();
  const words = [
    'serve',
    '--sandbox',
    '--data-dir',
    dataDir,
    '--port',
    '0',
    '--iso8583-port',
    '0',
    '--log-level',
    'trace',
  ];
  const child = spawn(process.execPath, [PROGRAM, ...words, '--log-format', 'json'], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => log.push(line));
  let port = '';
  let http = '';
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line);
    http = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? http;
    port = /Card messages .* on port (\d+)/.exec(line)?.[1] ?? port;
    if (line.includes('The sandbox is open')) break;
  }
  expect(port).toMatch(/^\d+$/);
  const tap = (...options: string[]): Shown => {
    const simulate = ['simulate-terminal', ...options, '--port', port, '--data-dir', dataDir, '--json'];
    return JSON.parse(execFileSync(process.execPath, [PROGRAM, ...simulate], { encoding: 'utf8' })) as Shown;
  };
  const bought = tap('12.50', '--card', 'alice', '--repeat', '--reverse');
  expect(bought.exchanges).toMatchObject([
    { sent: '0200', answered: '0210', responseCode: '00', issuerAnswer: 'right' },
    { sent: '0201', answered: '0210', responseCode: '00' },
    { sent: '0400', answered: '0410', responseCode: '00' },
  ]);
  expect(tap('2000.00', '--card', 'alice').exchanges).toMatchObject([{ responseCode: '1A', approved: false }]);
  expect(tap('2000.00', '--card', 'alice', '--device').exchanges).toMatchObject([{ responseCode: '00' }]);
  expect(tap('--type', 'balance', '--card', 'alice').exchanges).toMatchObject([
    { amounts: expect.stringContaining('000000600000') },
  ]);
  const { token = 0n } = sandboxCardToken('bob') ?? {};
  const card = (...options: string[]): Record<string, unknown> => {
    const words = ['card', ...options, '--url', `ws://127.0.0.1:${http}/v1/ws`, '--data-dir', dataDir, '--json'];
    return JSON.parse(execFileSync(process.execPath, [PROGRAM, ...words], { encoding: 'utf8' })) as Record<
      string,
      unknown
    >;
  };
  expect(tap('5.00', '--card', 'bob').exchanges).toMatchObject([{ responseCode: '00' }]);
  expect(card('show', formatId(token))).toMatchObject({ state: 'active', counter: 1, unverifiedSum: '500' });
  expect(card('put', formatId(token), 'bob', '--currency', 'CNY', '--state', 'lost')).toMatchObject({ name: 'ok' });
  expect(tap('5.00', '--card', 'bob').exchanges).toMatchObject([{ responseCode: '41' }]);
  const day = new Date().toISOString().slice(0, 10);
  const url = ['--url', `ws://127.0.0.1:${http}/v1/ws`, '--data-dir', dataDir];
  const clearing = ['clearing', 'acquirer', '--currency', 'CNY', '--day', day, ...url];
  const records = execFileSync(process.execPath, [PROGRAM, ...clearing], { encoding: 'utf8' }).split('\r\n');
  expect(records.slice(1, -2).map((record) => record.split(',').slice(2, 5).join(' '))).toEqual([
    'debit 00 1250',
    'debitReversal 00 1250',
    'debit 00 200000',
    'debit 00 500',
  ]);
  expect(records.at(-2)).toBe('T,4,3,201750,1,1250,0,0,0,0,200500');
  child.kill('SIGTERM');
  await once(child, 'exit');

  const pan = sandboxCard('alice')?.pan ?? '';
  const packed = Buffer.from(pan, 'hex');
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    const bytes = readFileSync(join(file.parentPath, file.name));
    expect([file.name, bytes.includes(pan), bytes.includes(packed)]).toEqual([file.name, false, false]);
  }
  expect(log.join('\n')).not.toContain(pan);
  expect(log.join('\n')).toMatch(/0200 answered 1A/);
});
