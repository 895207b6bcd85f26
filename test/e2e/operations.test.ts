// Running the switch: expiry without traffic, HTTP across a restart, metrics, readiness while draining, TLS, start-up
// failures, and verify from the command line.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { encodeRich } from '../../protocol/codecs/rich-codec.ts';
import { formatId, idFromNumber, newId } from '../../protocol/ids.ts';
import { TransferFlags } from '../../protocol/records.ts';
import { dataFolder, makeKey, type RunningSwitch, run, startSwitch, until } from '../support/switch.ts';
import { RawConnection } from './support/raw.ts';

const LEDGER = 978;
const [PAYER, PAYEE] = [idFromNumber(11), idFromNumber(12)];

interface Started {
  readonly dataDir: string;
  readonly key: string;
  readonly running: RunningSwitch;
  readonly client: SluiceClient;
}

async function started(flags: readonly string[] = [], dataDir = dataFolder()): Promise<Started> {
  const key = await makeKey(dataDir);
  const running = await startSwitch(dataDir, flags);
  onTestFinished(async () => void (await running.end('SIGKILL')));
  const client = await connectNode({ url: running.url, key });
  onTestFinished(() => client.close());
  await client.createAccounts([PAYER, PAYEE].map((id) => ({ id, ledger: LEDGER, code: 1 })));
  return { dataDir, key, running, client };
}

describe('time', () => {
  it('ends holds and authorisations by itself when nothing arrives', async () => {
    const { running, client } = await started();
    const move = { debitAccountId: PAYER, creditAccountId: PAYEE, amount: 5n, ledger: LEDGER, code: 1 };
    await client.createTransfers([{ ...move, id: newId(), flags: TransferFlags.pending, timeoutS: 1 }]);
    const payment = { id: newId(), payerAccountId: PAYER, payeeAccountId: PAYEE, amount: 7n, ledger: LEDGER, code: 1 };
    await client.authorise({ ...payment, expiresAfterS: 1 });
    // The metrics do not touch the partition: only its own clock can end the holds.
    const holds = async () => {
      const text = await (await fetch(`${running.http}/metrics`)).text();
      return /^sluice_open_holds (\d+)/m.exec(text)?.[1];
    };
    expect(await holds()).toBe('2');
    await until(async () => (await holds()) === '0', 'the holds end', 5000);
    const [found] = await client.lookupAccounts([PAYER]);
    expect(found?.account).toMatchObject({ debitsPending: 0n, debitsPosted: 0n });
    expect(await client.lookupPayments([payment.id])).toMatchObject([{ view: { status: { state: 'expired' } } }]);
  });
});

describe('HTTP', () => {
  it('sells, and the sale is still there after a restart', async () => {
    const { dataDir, key, running } = await started();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const id = formatId(newId());
    const sale = { id, from: formatId(PAYER), to: formatId(PAYEE), amount: '450', currency: 'EUR' };
    const post = (at: RunningSwitch) =>
      fetch(`${at.http}/v1/payments`, { method: 'POST', headers, body: JSON.stringify(sale) });
    const balance = async (at: RunningSwitch) =>
      (await fetch(`${at.http}/v1/accounts/${formatId(PAYEE)}`, { headers })).json();
    const first = await post(running);
    expect(first.status).toBeLessThan(300);
    const answer = await first.json();
    const before = await balance(running);
    expect(JSON.stringify(before)).toContain('"450"');
    const metrics = await (await fetch(`${running.http}/metrics`)).text();
    expect(metrics).toMatch(
      /sluice_outcomes_total\{[^}]*sale[^}]*ok[^}]*\} 1|sluice_outcomes_total\{[^}]*ok[^}]*sale[^}]*\} 1/,
    );
    expect((await fetch(`${running.http}/livez`)).status).toBe(200);
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const again = await startSwitch(dataDir);
    onTestFinished(async () => void (await again.end('SIGKILL')));
    expect(await balance(again)).toEqual(before);
    const replay = await post(again);
    expect(await replay.json()).toEqual(answer);
  });
});

describe('a stop', () => {
  it('says goodbye to clients, and a port in use ends a start at once', async () => {
    const { key, running } = await started();
    const connection = await RawConnection.greeted(running.url, key);
    const other = dataFolder();
    await expect(startSwitch(other, ['--port', String(running.port)])).rejects.toThrow(/address is in use/);
    const cards = ['--sandbox', '--port', '0', '--iso8583-port', String(running.port)];
    await expect(startSwitch(other, cards)).rejects.toThrow(/link sandbox: .*EADDRINUSE/);
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await connection.closing()).toEqual({ code: 1001, reason: 'the switch is stopping' });
  });
});

describe('TLS', () => {
  it('serves WebSocket and HTTP with a certificate', async () => {
    const dataDir = dataFolder();
    const [cert, keyFile] = [join(dirname(dataDir), 'tls.crt'), join(dirname(dataDir), 'tls.key')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', keyFile, '-out', cert];
    execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
    const key = await makeKey(dataDir);
    const running = await startSwitch(dataDir, ['--tls-cert', cert, '--tls-key', keyFile]);
    onTestFinished(async () => void (await running.end('SIGKILL')));
    const ca = readFileSync(cert);
    const connection = await RawConnection.open(running.url.replace('ws:', 'wss:'), { ca });
    expect((await connection.ask(encodeRich('hello', { key }, { requestId: 1 }))).kind & 0x80).toBe(0x80);
    const status = await new Promise((resolve, reject) => {
      const asked = request(`https://127.0.0.1:${running.port}/readyz`, { ca }, (response) =>
        resolve(response.statusCode),
      );
      asked.on('error', reject).end();
    });
    expect(status).toBe(200);
    connection.close();
    await expect(RawConnection.open(running.url)).rejects.toThrow();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe('sluice verify', () => {
  it('refuses a directory in use, proves it afterwards, and verifies a backup meanwhile', async () => {
    const { dataDir, running, client } = await started();
    const move = { debitAccountId: PAYER, creditAccountId: PAYEE, amount: 5n, ledger: LEDGER, code: 1 };
    await client.createTransfers([{ ...move, id: newId() }]);
    const busy = await run(['verify', dataDir]);
    expect(busy).toMatchObject({ code: 1, output: '', errors: expect.stringMatching(/is in use by process \d+/) });
    const backup = join(dirname(dataDir), 'backup');
    expect(await run(['backup', backup, '--data-dir', dataDir])).toMatchObject({ code: 0 });
    expect(await run(['verify', backup])).toMatchObject({ code: 0, output: expect.stringContaining('is whole') });
    await running.end('SIGTERM');
    const whole = await run(['verify', dataDir]);
    expect(whole).toMatchObject({ code: 0, errors: '' });
    expect(whole.output).toMatch(/is whole: 1 partition, 2 batches, 3 events, 2 accounts\. Every book balances/);

    const file = join(dataDir, 'partition-0', 'journal', 'data.mdb');
    const bytes = readFileSync(file);
    const damaged = (change: (fd: number) => void): void => {
      const fd = openSync(file, 'r+');
      change(fd);
      closeSync(fd);
    };
    // Every copy of the account's id: one of them is in the live batch.
    const value = Buffer.alloc(16);
    value.writeUInt32LE(11);
    for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + 1)) {
      damaged((fd) => writeSync(fd, Buffer.from([99]), 0, 1, at));
    }
    const found = await run(['verify', dataDir, '--json']);
    expect(found.code).toBe(1);
    expect(JSON.parse(found.output)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([
        expect.objectContaining({ partition: 0, where: 'journal', lsn: 0, sequence: 1 }),
      ]),
    });
    // Pages of the tree that are no pages any more end the process that reads them, and not verify.
    damaged((fd) => writeSync(fd, Buffer.alloc(bytes.length - 8192, 0x7f), 0, bytes.length - 8192, 8192));
    const destroyed = await run(['verify', dataDir]);
    expect(destroyed.code).toBe(1);
    expect(destroyed.output).toMatch(/^partition 0 /m);
  });

  it('finds a damaged key store', async () => {
    const { dataDir, running } = await started();
    await running.end('SIGTERM');
    const file = join(dataDir, 'control', 'data.mdb');
    const bytes = readFileSync(file);
    const fd = openSync(file, 'r+');
    const name = Buffer.from('{"number":');
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1))
      writeSync(fd, Buffer.from('X'), 0, 1, at);
    closeSync(fd);
    const found = await run(['verify', dataDir]);
    expect(found).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^control: institutions: the entry 1 is not JSON/m),
    });
  });
});
