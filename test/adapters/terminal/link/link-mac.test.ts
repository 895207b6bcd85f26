// MACs of links: what they cover, what is refused without one, and session keys that a peer sends.
import { afterEach, describe, expect, it } from 'vitest';
import { aesCmac, retailMac } from '../../../../adapters/terminal/crypto/mac.ts';
import { checkValue, wrapKey } from '../../../../adapters/terminal/crypto/tr31/key-block.ts';
import { decodeMessage } from '../../../../adapters/terminal/iso8583/decode.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { LinkMac, type MacRules } from '../../../../adapters/terminal/link/link-mac.ts';
import { hex } from '../../../support/seeded-bytes.ts';
import {
  ASCII,
  closeAll,
  EXCHANGE_KEY,
  MAC_KEY,
  network,
  type Peer,
  peerAt,
  purchase,
  specNamed,
  startAcquirer,
  testVault,
} from './harness.ts';

afterEach(closeAll);

const RETAIL: MacRules = { key: 'link-mac', algorithm: 'retail', bytes: 8, padding: 1, exchangeKey: 'link-kek' };
const SESSION_KEY = hex('FEDCBA98765432100123456789ABCDEF');

function block(key: Uint8Array, usage = 'M3', kek = EXCHANGE_KEY): string {
  const header = {
    version: 'D',
    usage,
    algorithm: 'T',
    mode: 'C',
    keyVersion: '00',
    exportability: 'N',
    optional: [],
  } as const;
  const wrapped = wrapKey(hex(kek), header, key);
  return wrapped.ok ? wrapped.block : expect.fail(wrapped.problem);
}

/** A message with its MAC in hex, made without the code that is tested. */
function sealed(message: Message, mac: (bytes: Uint8Array) => Uint8Array): Message {
  const number = (message.numbers().at(-1) ?? 0) > 64 ? 128 : 64;
  const encoded = message.set(number, new Uint8Array(8)).encode();
  if (!encoded.ok) return expect.fail('does not fit');
  return message.set(number, mac(encoded.bytes.subarray(0, -16)).subarray(0, 8));
}

const retail = (message: Message, key = hex(MAC_KEY)) => sealed(message, (bytes) => retailMac(key, bytes, 1));

function isSealed(message: Message, key = hex(MAC_KEY)): boolean {
  const number = message.has(128) ? 128 : 64;
  const encoded = message.encode();
  if (!encoded.ok || !message.has(number)) return false;
  return (
    message.text(number) ===
    Buffer.from(retailMac(key, encoded.bytes.subarray(0, -16), 1))
      .toString('hex')
      .toUpperCase()
  );
}

function reread(bytes: Uint8Array, spec = ASCII): Message {
  const decoded = decodeMessage(spec, bytes);
  return decoded.ok ? decoded.message : expect.fail('cannot be read');
}

describe('a MAC', () => {
  it.each([
    ['iso87-ascii', RETAIL],
    ['iso87-bcd', RETAIL],
    ['iso87-ascii', { ...RETAIL, bytes: 4, padding: 2 }],
    ['iso87-bcd', { key: 'link-cmac', algorithm: 'cmac', bytes: 8, padding: 1 }],
  ] as const)('of %s with %j is right, and wrong after any change of a byte', async (name, rules) => {
    const spec = specNamed(name);
    const mac = new LinkMac(testVault(), rules);
    const result = await mac.seal(purchase('000001').translate(spec));
    if (!result.ok) return expect.fail(result.problem.expected);
    const message = reread(result.bytes, spec);
    expect(message.has(64)).toBe(true);
    expect(await mac.isRight(message)).toBe(true);
    if (rules.bytes === 4) expect(message.text(64)).toMatch(/^[0-9A-F]{8}00000000$/);
    for (let at = 0; at < result.bytes.length; at++) {
      const changed = Buffer.from(result.bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const decoded = decodeMessage(spec, changed);
      if (decoded.ok) expect(await mac.isRight(decoded.message), String(at)).toBe(false);
    }
  });

  it('is in field 128 when there is a field above 64, and one in 64 does not do then', async () => {
    const mac = new LinkMac(testVault(), RETAIL);
    const result = await mac.seal(network('301'));
    const message = result.ok ? reread(result.bytes) : expect.fail('not sealed');
    expect([message.has(64), message.has(128), await mac.isRight(message)]).toEqual([false, true, true]);
    expect(isSealed(message)).toBe(true);
    const elsewhere = network('301').set(64, new Uint8Array(8)).encode();
    expect(await mac.isRight(reread(elsewhere.ok ? elsewhere.bytes : new Uint8Array()))).toBe(false);
  });

  it('of a CMAC key is AES-CMAC cut to eight bytes', async () => {
    const mac = new LinkMac(testVault(), { key: 'link-cmac', algorithm: 'cmac', bytes: 8, padding: 1 });
    const encoded = sealed(purchase('000001'), (bytes) => aesCmac(hex(MAC_KEY), bytes)).encode();
    expect(await mac.isRight(reread(encoded.ok ? encoded.bytes : new Uint8Array()))).toBe(true);
  });
});

describe('a link with MACs', () => {
  const TEXT = 'mac: {key: link-mac, algorithm: retail, exchangeKey: link-kek}';

  async function signedOn(port: number): Promise<Peer> {
    const peer = await peerAt(port);
    expect((await peer.ask(retail(network('001')))).text(39)).toBe('00');
    return peer;
  }

  it('answers 63 to what has none or a wrong one, and puts one on every answer', async () => {
    const { port, figures, notes } = await startAcquirer(TEXT);
    const peer = await peerAt(port);
    expect((await peer.ask(network('001'))).text(39)).toBe('63');
    expect((await peer.ask(retail(purchase('000001')))).text(39)).toBe('58');
    expect((await peer.ask(retail(network('001')))).text(39)).toBe('00');
    expect((await peer.ask(purchase('000002'))).text(39)).toBe('63');
    expect((await peer.ask(retail(purchase('000003'), SESSION_KEY))).text(39)).toBe('63');
    expect((await peer.ask(retail(purchase('000004').set(4, '1251')).set(4, '1250'))).text(39)).toBe('63');
    expect((await peer.ask(retail(purchase('000005')))).text(39)).toBe('00');
    expect(peer.received.every((message) => isSealed(message))).toBe(true);
    expect(figures.counts.macErrors).toBe(4);
    expect(notes.join()).not.toContain('4761739001010119');
    peer.socket.destroy();
  });

  it('takes a session key: the answer still has the old MAC, then the new key holds', async () => {
    const { port } = await startAcquirer(TEXT);
    const peer = await signedOn(port);
    const answer = await peer.ask(retail(network('161').set(48, block(SESSION_KEY))));
    expect([answer.text(39), answer.text(48)]).toEqual(['00', checkValue('T', SESSION_KEY)]);
    expect(isSealed(answer)).toBe(true);
    // What was on its way when the key changed is still good; its answer has the new key's MAC.
    const onItsWay = await peer.ask(retail(purchase('000001')));
    expect([onItsWay.text(39), isSealed(onItsWay, SESSION_KEY)]).toEqual(['00', true]);
    expect((await peer.ask(retail(purchase('000002'), SESSION_KEY))).text(39)).toBe('00');
    expect((await peer.ask(retail(purchase('000003')))).text(39)).toBe('63');
    peer.socket.destroy();
  });

  it('keeps its key when the new one is none, for something else, or wrapped under another', async () => {
    const { port, notes } = await startAcquirer(TEXT);
    const peer = await signedOn(port);
    const bad = [
      '',
      'junk',
      block(SESSION_KEY, 'P0'),
      block(SESSION_KEY, 'M3', MAC_KEY),
      block(hex(MAC_KEY + MAC_KEY.slice(16))),
    ];
    for (const text of bad) {
      const answer = await peer.ask(retail(text === '' ? network('161') : network('161').set(48, text)));
      expect([text, answer.text(39)]).toEqual([text, '63']);
    }
    expect((await peer.ask(retail(purchase('000001')))).text(39)).toBe('00');
    expect(notes.filter((note) => note.includes('the session key was not taken'))).toHaveLength(bad.length);
    peer.socket.destroy();
  });

  it('takes no keys without an exchange key, or without MACs at all', async () => {
    const { port } = await startAcquirer('mac: {key: link-mac, algorithm: retail}');
    const peer = await signedOn(port);
    expect((await peer.ask(retail(network('161').set(48, block(SESSION_KEY))))).text(39)).toBe('63');
    peer.socket.destroy();
    const plain = await startAcquirer('');
    const other = await peerAt(plain.port);
    expect((await other.ask(network('161').set(48, block(SESSION_KEY)))).text(39)).toBe('63');
    other.socket.destroy();
  });

  it('begins with its own key again on the next connection', async () => {
    const { port } = await startAcquirer(TEXT);
    const peer = await signedOn(port);
    await peer.ask(retail(network('161').set(48, block(SESSION_KEY))));
    peer.socket.destroy();
    const next = await signedOn(port);
    expect((await next.ask(retail(network('301'), SESSION_KEY))).text(39)).toBe('63');
    next.socket.destroy();
  });
});

describe('the vault', () => {
  it('forgets adopted keys, and no others', () => {
    const vault = testVault();
    const adopted = vault.adopt('link-kek', block(SESSION_KEY), ['M3']);
    const id = adopted.ok ? adopted.info.id : expect.fail(adopted.problem);
    expect(vault.find(id, 'M3')).toMatchObject({ usage: 'M3', checkValue: checkValue('T', SESSION_KEY) });
    vault.forget(id);
    vault.forget('link-mac');
    expect(vault.find(id, 'M3')).toBeUndefined();
    expect(vault.find('link-mac', 'M3')).toBeDefined();
  });

  it('adopts no more keys than it has room for, until one is forgotten', () => {
    const vault = testVault();
    const ids: string[] = [];
    for (;;) {
      const adopted = vault.adopt('link-kek', block(SESSION_KEY), ['M3']);
      if (!adopted.ok) {
        expect([adopted.code, ids.length]).toEqual(['refused', 4096]);
        break;
      }
      ids.push(adopted.info.id);
    }
    vault.forget(ids[7] ?? '');
    expect(vault.adopt('link-kek', block(SESSION_KEY), ['M3'])).toMatchObject({ ok: true });
  });

  it('unwraps keys only under those that are for it', () => {
    const vault = testVault();
    expect(vault.adopt('link-mac', block(SESSION_KEY), ['M3'])).toMatchObject({ ok: false, code: 'wrongKey' });
    expect(vault.adopt('none', block(SESSION_KEY), ['M3'])).toMatchObject({ ok: false, code: 'noKey' });
    expect(vault.adopt('link-kek', block(SESSION_KEY), ['M6'])).toMatchObject({ ok: false, code: 'refused' });
  });
});
