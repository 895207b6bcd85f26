// The other bank of a sandbox is killed while it thinks: its visitor's payments end up nowhere, and what waited is told when it is back.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { SANDBOX_ISSUER, SANDBOX_VISITOR, sandboxCard } from '../../adapters/terminal/sandbox.ts';
import { dataFolder, PROGRAM } from '../support/switch.ts';

const log: string[] = [];

/** Starts a command, and waits until it says something on its error output. */
async function started(words: readonly string[], until: RegExp): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  createInterface({ input: child.stdout }).on('line', (line) => log.push(line));
  let said = '';
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line);
    said += `${line}\n`;
    if (until.test(line)) break;
  }
  return { child, said };
}

it('an issuer is killed and comes back, and nothing is owed twice or forgotten', async () => {
  const dataDir = dataFolder();
  const issuer = (port: string) => started(['simulate-issuer', '--port', port], /answers on port \d+/);
  const first = await issuer('0');
  const issuerPort = /port (\d+)/.exec(first.said)?.[1] ?? '';
  const ports = ['--port', '0', '--iso8583-port', '0', '--iso8583-issuer-port', issuerPort];
  const serve = ['serve', '--sandbox', '--data-dir', dataDir, ...ports, '--log-level', 'trace', '--log-format', 'json'];
  const { child, said } = await started(serve, /The sandbox is open/);
  const http = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? '';
  const port = /Card messages .* on port (\d+)/.exec(said)?.[1] ?? '';
  const run = (...words: string[]): unknown =>
    JSON.parse(
      execFileSync(process.execPath, [PROGRAM, ...words, '--data-dir', dataDir, '--json'], { encoding: 'utf8' }),
    );
  const tap = (amount: string) => run('simulate-terminal', amount, '--card', SANDBOX_VISITOR, '--port', port);
  const waiting = () => run('outbox', 'list', SANDBOX_ISSUER, '--url', `ws://127.0.0.1:${http}/v1/ws`);
  const answered = (responseCode: string) => ({ exchanges: [{ responseCode }] });

  expect(tap('12.50')).toMatchObject(answered('00'));
  expect(tap('90.51')).toMatchObject(answered('51'));
  // Killed while the terminal waits for an answer that is booked and lost.
  const lost = spawn(process.execPath, [
    ...[PROGRAM, 'simulate-terminal', '91.05', '--card', SANDBOX_VISITOR, '--port', port, '--data-dir', dataDir],
  ]);
  let heard = '';
  lost.stdout.on('data', (text: Buffer) => {
    heard += text.toString();
  });
  await expect.poll(() => log.join(), { timeout: 10_000, interval: 20 }).toContain('is booked, its answer lost');
  first.child.kill('SIGKILL');
  await once(lost, 'close');
  expect(heard).toContain('declined (91)');
  expect(tap('20.00')).toMatchObject(answered('91'));

  await issuer(issuerPort);
  await expect.poll(waiting, { timeout: 20_000, interval: 300 }).toMatchObject({ entries: [] });
  await expect.poll(() => tap('7.00'), { timeout: 20_000, interval: 300 }).toMatchObject(answered('00'));
  const account = run('account', 'show', `${SANDBOX_ISSUER}`, '--url', `ws://127.0.0.1:${http}/v1/ws`);
  expect(JSON.stringify(account)).toContain('1950');
  child.kill('SIGTERM');
  await once(child, 'exit');

  const pan = sandboxCard(SANDBOX_VISITOR)?.pan ?? '';
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files) {
    const bytes = readFileSync(join(file.parentPath, file.name));
    expect([file.name, bytes.includes(pan), bytes.includes(Buffer.from(pan, 'hex'))]).toEqual([
      file.name,
      false,
      false,
    ]);
  }
  expect(log.join('\n')).not.toContain(pan);
});
