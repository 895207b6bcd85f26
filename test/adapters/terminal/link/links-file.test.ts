// A links file: its defaults, and every mistake at its line with the field it is about.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { openIssuer } from '../../../../adapters/terminal/link/issuer-link.ts';
import { parseLinks, readLinksFile } from '../../../../adapters/terminal/link/links-file.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import { openAcquirer } from '../../../../adapters/terminal/link/acquirer-listener.ts';
import { atEnd, closeAll, echoing, network, Peer, purchase, testVault, until } from './harness.ts';

let directory: string;
const file = (name: string) => join(directory, name);

function makeCertificate(name: string): void {
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...options, ...subject, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)], {
    stdio: 'pipe',
  });
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-links-'));
  makeCertificate('one');
  makeCertificate('two');
  writeFileSync(file('junk.pem'), 'no certificate');
  writeFileSync(file('acme.json'), JSON.stringify({ name: 'acme', extends: 'iso87-ascii', bitmap: 'raw' }));
  writeFileSync(file('wrong.json'), JSON.stringify({ name: 'wrong', extends: 'iso87-ascii', bitmap: 'none' }));
  writeFileSync(file('no-mac.json'), JSON.stringify({ name: 'no-mac', extends: 'iso87-ascii', fields: { 64: null } }));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(closeAll);

const FULL = `
links:
  - name: shops
    role: acquirer
    listen: { host: 0.0.0.0, port: 8583 }
    framing: tpdu
    spec: acme.json
    tls: { cert: one.crt, key: one.key, ca: two.crt, mutual: true }
    mac: { key: shops-mac, algorithm: retail }
    terminals: [T0000001, T0000002]
  - name: bank
    role: issuer
    connect: { host: bank.example, port: 9000 }
    spec: iso93-bcd
    mux: { byType: { '1420': [11, 37] } }
`;

function mistakesOf(text: string): string[] {
  const links = parseLinks(text, directory);
  if (links.ok) return [];
  return links.mistakes.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}

describe('a links file', () => {
  it('gives links with everything that it does not say', () => {
    writeFileSync(file('links.yaml'), FULL);
    const links = readLinksFile(file('links.yaml'));
    if (!links.ok) return expect.fail(JSON.stringify(links.mistakes));
    const [shops] = links.acquirers;
    const [bank] = links.issuers;
    expect(shops).toMatchObject({
      name: 'shops',
      framing: 'tpdu',
      spec: { name: 'acme' },
      tls: { mutual: true },
      mac: { key: 'shops-mac', algorithm: 'retail', bytes: 8, padding: 1 },
      messageBytesMax: 8192,
      window: 256,
      idleSeconds: 300,
      connectionsMax: 64,
    });
    expect(bank).toMatchObject({
      framing: 'length2',
      spec: { name: 'iso93-bcd' },
      echoSeconds: 45,
      networkMs: 10_000,
      reconnect: { firstMs: 500, mostMs: 30_000 },
      mux: { fields: [11, 41], byType: { '1420': [11, 37] } },
    });
    expect(Object.isFrozen(shops) && Object.isFrozen(bank)).toBe(true);
  });

  it('as the README shows one can be read', () => {
    const readme = readFileSync(new URL('../../../../adapters/terminal/link/README.md', import.meta.url), 'utf8');
    const example = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const files = example
      .replaceAll('shops.crt', 'one.crt')
      .replaceAll('shops.key', 'one.key')
      .replace('acquirers.crt', 'two.crt');
    expect(mistakesOf(files)).toEqual([]);
    expect(files).not.toBe(example);
  });

  it.each<[what: string, change: readonly [string, string], mistake: string | RegExp]>([
    ['a port that is none', ['8583', '85830'], /^5 links\.0\.listen\.port: Too big/],
    ['a setting that is not known', ['framing: tpdu', 'freming: tpdu'], '6 links.0.freming: there is no such setting'],
    [
      'a framing that is not known',
      ['framing: tpdu', 'framing: length3'],
      /^6 links\.0\.framing: .*"length2"\|"ascii4"\|"tpdu"/,
    ],
    ['a role that is not known', ['role: issuer', 'role: bank'], /^12 links\.1\.role: /],
    ['a name twice', ['name: bank', 'name: shops'], '11 links.1.name: another link is called shops'],
    ['a specification that is not there', ['iso93-bcd', 'iso94'], /^14 links\.1\.spec: iso94 is neither/],
    ['a specification with mistakes', ['iso93-bcd', 'wrong.json'], /^14 links\.1\.spec: wrong\.json: bitmap: /],
    [
      'a MAC without a field for it',
      ['acme.json', 'no-mac.json'],
      '9 links.0.mac: no-mac must have 8 bytes of binary data in field 64',
    ],
    [
      'a certificate that is not there',
      ['one.crt', 'none.crt'],
      '8 links.0.tls: cert: the file none.crt cannot be read',
    ],
    [
      'a certificate that is none',
      ['one.crt', 'junk.pem'],
      '8 links.0.tls: cert, key and ca must be PEM, and the key that of the certificate',
    ],
    [
      'the key of another certificate',
      ['one.key', 'two.key'],
      '8 links.0.tls: cert, key and ca must be PEM, and the key that of the certificate',
    ],
    ['mutual without ca', [', ca: two.crt', ''], '8 links.0.tls: mutual needs ca: whose certificates are accepted'],
    ['a MUX key for what is no message type', ["'1420'", 'advice'], /^15 links\.1\.mux\.byType\.advice: /],
    ['an alias', ['T0000002', '*other'], /^10 : \*other is an alias/],
    ['no YAML', ['links:', 'links: ]'], /^2 : /],
  ])('tells of %s', (_what, [from, to], mistake) => {
    const mistakes = mistakesOf(FULL.replace(from, to));
    const expected = typeof mistake === 'string' ? mistake : expect.stringMatching(mistake);
    expect(mistakes).toContainEqual(expected);
  });

  it('tells of two links on one address, no links, too large and missing files', () => {
    const twice = `${FULL}  - { name: b, role: acquirer, spec: iso87-bcd, listen: { host: 0.0.0.0, port: 8583 } }\n`;
    expect(mistakesOf(twice)).toEqual(['16 links.2.listen: another link listens on 0.0.0.0:8583']);
    const anyPort = '{ name: a, role: acquirer, spec: iso87-bcd, listen: { port: 0 } }';
    expect(mistakesOf(`links: [${anyPort}, ${anyPort.replace('name: a', 'name: b')}]`)).toEqual([]);
    expect(mistakesOf('links: []')[0]).toMatch(/^1 links: /);
    expect(mistakesOf(`#${'x'.repeat(4 * 1024 * 1024)}`)[0]).toMatch(/^0 : must have/);
    expect(readLinksFile(file('none.yaml'))).toMatchObject({ ok: false, mistakes: [{ line: 0 }] });
  });
});

describe('TLS', () => {
  async function listenTls(tls: string) {
    const links = parseLinks(
      `links: [{name: s, role: acquirer, listen: {port: 0}, spec: iso87-ascii, tls: ${tls}}]`,
      directory,
    );
    const config = links.ok ? links.acquirers[0] : undefined;
    const notes: string[] = [];
    const observer = new LinkCounters((_link, _level, text) => notes.push(text));
    const tools = { vault: testVault(), clock: systemClock, observer, random: () => 0 };
    const opened = await openAcquirer(config ?? expect.fail('no link'), echoing, tools);
    if (!opened.ok) return expect.fail(opened.problem);
    atEnd(() => opened.listener.close(0));
    return { port: opened.listener.port, notes, tools, observer };
  }

  async function issuerAt(port: number, tls: string, tools: Parameters<typeof openIssuer>[2]) {
    const text = `links: [{name: i, role: issuer, connect: {host: 127.0.0.1, port: ${port}}, spec: iso87-ascii, tls: ${tls}}]`;
    const links = parseLinks(text, directory);
    const config = links.ok ? links.issuers[0] : expect.fail(JSON.stringify(links.mistakes));
    const handlers = { late: () => {}, cutover: () => Promise.resolve() };
    const opened = await openIssuer(config ?? expect.fail('no link'), handlers, tools);
    if (!opened.ok) return expect.fail(opened.problem);
    atEnd(() => opened.link.stop(0));
    return opened.link;
  }

  it('between a link to an issuer and a listener, each with the certificate that the other trusts', async () => {
    const { port, tools } = await listenTls('{cert: one.crt, key: one.key, ca: two.crt, mutual: true}');
    const link = await issuerAt(port, '{ca: one.crt, cert: two.crt, key: two.key}', tools);
    await until(() => link.state === 'up');
    expect(await link.request(purchase('000001'), 5000)).toMatchObject({ mti: '0210' });
  });

  it('lets no one in without a certificate when it must be mutual', async () => {
    const { port, notes, tools } = await listenTls('{cert: one.crt, key: one.key, ca: two.crt, mutual: true}');
    const link = await issuerAt(port, '{ca: one.crt}', tools);
    await until(() => notes.some((note) => note.startsWith('TLS: ')));
    expect(link.state).not.toBe('up');
  });

  it('does not speak to a server whose certificate it does not trust', async () => {
    const { port, notes, tools, observer } = await listenTls('{cert: one.crt, key: one.key}');
    const link = await issuerAt(port, '{ca: two.crt}', tools);
    await until(() => observer.of('i').counts.reconnects > 0);
    expect(notes.join()).toContain('certificate');
    expect(link.state).not.toBe('up');
  });

  it('serves a plain TLS client', async () => {
    const { port } = await listenTls('{cert: one.crt, key: one.key}');
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    const peer = new Peer(socket);
    expect((await peer.ask(network('001'))).text(39)).toBe('00');
    socket.destroy();
  });
});
