import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, listen } from '../../../../engine/transport/uws.ts';
import { getTls, startHttp } from './harness.ts';

let directory: string;
const file = (name: string) => join(directory, name);

function makeCertificate(name: string): void {
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
  execFileSync('openssl', [...options, ...subject, ...files], { stdio: 'pipe' });
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  makeCertificate('one');
  makeCertificate('two');
  writeFileSync(file('junk.pem'), 'no certificate');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('TLS', () => {
  it('serves those who trust the certificate', async () => {
    const http = await startHttp({}, { certFile: file('one.crt'), keyFile: file('one.key') });
    expect(await getTls(http.port, '/livez', file('one.crt'))).toEqual({ status: 200, body: 'ok\n' });
    expect((await getTls(http.port, '/openapi.json', file('one.crt'))).status).toBe(200);
    await expect(getTls(http.port, '/livez', file('two.crt'))).rejects.toThrow(/certificate/);
    // Plain HTTP gets no answer.
    expect(await http.raw('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')).not.toContain('200');
    http.close();
  });

  it.each([
    ['none.crt', 'one.key', /none\.crt/],
    ['one.crt', 'none.key', /none\.key/],
    ['junk.pem', 'one.key', /certificate .*junk\.pem/],
    ['one.crt', 'junk.pem', /key .*junk\.pem/],
    ['one.crt', 'two.key', /does not belong/],
  ])('says what is wrong with %s and %s', (certFile, keyFile, message) => {
    expect(() => createApp({ tls: { certFile: file(certFile), keyFile: file(keyFile) } })).toThrow(message);
  });
});

describe('listen', () => {
  it('says when an address cannot be had, and takes no more connections once closed', async () => {
    const app = createApp();
    const listener = await listen(app, '127.0.0.1', 0);
    await expect(listen(createApp(), '127.0.0.1', listener.port)).rejects.toThrow(`127.0.0.1:${listener.port}`);
    await expect(listen(createApp(), '203.0.113.1', 0)).rejects.toThrow('203.0.113.1');
    listener.close();
    listener.close();
    await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
    app.close();
  });
});
