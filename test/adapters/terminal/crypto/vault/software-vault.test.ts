// The vault: each operation under the keys that are for it, and under no other.
import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import { makeCryptogram } from '../../../../../adapters/terminal/crypto/emv/cryptogram.ts';
import { encodePinBlock, pinOf } from '../../../../../adapters/terminal/crypto/pin/pin-block.ts';
import { ibmPinOffset, pinVerificationValue } from '../../../../../adapters/terminal/crypto/pin/pin-verification.ts';
import type { EncryptedPin, KeyVault } from '../../../../../adapters/terminal/crypto/vault/key-vault.ts';
import { panToken } from '../../../../../adapters/terminal/crypto/vault/pan-token.ts';
import { SecretKey } from '../../../../../adapters/terminal/crypto/vault/secret-key.ts';
import { SoftwareVault } from '../../../../../adapters/terminal/crypto/vault/software-vault.ts';
import { hex } from '../../../../support/seeded-bytes.ts';

const TDES = '0123456789ABCDEFFEDCBA9876543210';
const AES = '2B7E151628AED2A6ABF7158809CF4F3C';
const PAN = '4012345678909';

function key(id: string, usage: string, algorithm: string, mode: string, value: string): SecretKey {
  const rest = { version: 'D', keyVersion: '00', exportability: 'N', optional: [] } as const;
  return new SecretKey(id, { usage, algorithm, mode, ...rest }, hex(value));
}

const vault = new SoftwareVault([
  key('imk', 'E0', 'T', 'X', TDES),
  key('imk-aes', 'E0', 'A', 'X', AES),
  key('bdk', 'B0', 'T', 'X', TDES),
  key('bdk-aes', 'B0', 'A', 'X', 'FEDCBA9876543210F1F1F1F1F1F1F1F1'),
  key('retail', 'M3', 'T', 'C', TDES),
  key('retail-make', 'M3', 'T', 'G', TDES),
  key('retail-long', 'M3', 'T', 'C', TDES + TDES.slice(16)),
  key('cmac', 'M6', 'A', 'C', AES),
  key('cmac-tdes', 'M6', 'T', 'C', '8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5'),
  key('pin', 'P0', 'T', 'B', TDES),
  key('pin-out', 'P0', 'T', 'E', AES),
  key('pin-aes', 'P0', 'A', 'B', AES),
  key('pvk', 'V2', 'T', 'V', TDES),
  key('pvk-ibm', 'V1', 'T', 'V', TDES),
  key('pvk-aes', 'V2', 'A', 'V', AES),
  key('data', 'D0', 'A', 'B', AES),
  key('data-tdes', 'D0', 'T', 'B', TDES),
  key('data-in', 'D0', 'A', 'D', AES),
  key('data-gcm', 'D0', 'A', 'B', 'FEFFE9928665731C6D6A8F9467308308'),
  key('token', 'M7', 'H', 'G', AES + AES),
  key('token-short', 'M7', 'H', 'G', '00112233'),
]);

function pinUnder(keyId: string, value: string, format: 0 | 3 | 4 = 0, pin = '1234'): EncryptedPin {
  const result = encodePinBlock(format, pinOf(pin) ?? new Uint8Array(), PAN, hex(value));
  return { keyId, format, pan: PAN, block: result.ok ? result.value : expect.fail(result.problem) };
}

describe('vault', () => {
  it('leaves room for keys elsewhere: it is a KeyVault', async () => {
    const any: KeyVault = vault;
    expect(await any.find('imk', 'E0')).toMatchObject({ id: 'imk', checkValue: '08D7B4' });
    expect(await any.find('imk', 'P0')).toBeUndefined();
    expect(await any.find('none', 'E0')).toBeUndefined();
  });

  it('shows nothing of its keys', () => {
    expect([JSON.stringify(vault), inspect(vault, { showHidden: true, depth: 9 })]).toEqual(['{}', 'SoftwareVault {}']);
  });

  it('verifies cryptograms and answers them', () => {
    const tags = new Map(
      Object.entries({
        '9F02': '000000001250',
        '9F03': '000000000000',
        '9F1A': '0156',
        '95': '0000000000',
        '5F2A': '0156',
        '9A': '261123',
        '9C': '00',
        '9F37': 'DEADBEEF',
        '82': '2000',
        '9F36': '0102',
        '9F27': '80',
        '9F10': '06010A03A00000',
      }).map(([tag, value]) => [Number.parseInt(tag, 16), hex(value)]),
    );
    const data = hex('0000000012500000000000000156000000000001562611 2300DEADBEEF2000010203A00000');
    const card = { pan: '4761739001010119', psn: '01' };
    const keys = { scheme: 'visa-cvn10', imk: hex(TDES), ...card, atc: hex('0102'), un: hex('DEADBEEF') } as const;
    const request = { ...card, tags: tags.set(0x9f26, makeCryptogram(keys, data).arqc) };
    expect(vault.verifyArqc('imk', request)).toMatchObject({ verdict: 'ok', scheme: 'visa-cvn10' });
    expect(vault.respond('imk', request, { arc: hex('3030') })).toMatchObject({ ok: true });
    for (const id of ['none', 'imk-aes', 'pin', 'bdk']) {
      expect(vault.verifyArqc(id, request).verdict).toBe('technical');
      expect(vault.respond(id, request, { arc: hex('3030') }).ok).toBe(false);
    }
  });

  it.each([
    ['retail', '4E6F77206973207468652074696D6520666F7220616C6C20', 'A1C72E74EA3FA9B6'],
    ['cmac', '6BC1BEE22E409F96E93D7E117393172A', '070A16B46B4D4144F79BDD9DD04A287C'],
    ['cmac-tdes', '6BC1BEE22E409F96', '8E8F293136283797'],
  ])('makes and verifies MACs with %s', (keyId, message, expected) => {
    const request = { keyId, message: hex(message) };
    const made = vault.mac(request);
    expect(made.ok && toHex(made.mac)).toBe(expected);
    expect(vault.verifyMac(request, hex(expected))).toEqual({ ok: true, matches: true });
    expect(vault.verifyMac(request, hex(expected.slice(0, 8)))).toEqual({ ok: true, matches: true });
    expect(vault.verifyMac(request, hex(`00${expected.slice(2)}`))).toEqual({ ok: true, matches: false });
  });

  it('makes MACs with the key of a transaction', () => {
    const message = hex('00112233');
    for (const [keyId, ksn] of [
      ['bdk', 'FFFF9876543210E00001'],
      ['bdk-aes', '123456789012345600000001'],
    ] as const) {
      const request = { keyId, ksn: hex(ksn), message };
      const made = vault.mac(request);
      if (!made.ok) expect.fail(made.problem);
      expect(vault.verifyMac(request, made.mac)).toEqual({ ok: true, matches: true });
      expect(vault.verifyMac({ ...request, direction: 'response' }, made.mac)).toEqual({ ok: true, matches: false });
    }
  });

  it('translates PINs between keys, formats and DUKPT', () => {
    const fromTerminal = { keyId: 'bdk', ksn: hex('FFFF9876543210E00001'), format: 0, pan: PAN } as const;
    const translated = vault.translatePin(
      { ...fromTerminal, block: hex('1B9C1845EB993A7A') },
      { keyId: 'pin', format: 0 },
    );
    expect(translated).toEqual({ ok: true, block: pinUnder('pin', TDES).block });
    const toAes = vault.translatePin(pinUnder('pin', TDES), { keyId: 'pin-aes', format: 4 });
    if (!toAes.ok) expect.fail(toAes.problem);
    const back = vault.translatePin(
      { keyId: 'pin-aes', format: 4, pan: PAN, block: toAes.block },
      { keyId: 'pin', format: 0 },
    );
    expect(back).toEqual({ ok: true, block: pinUnder('pin', TDES).block });
    const aesTerminal = { keyId: 'bdk-aes', ksn: hex('123456789012345600000001'), format: 4 } as const;
    expect(vault.translatePin(pinUnder('pin', TDES), aesTerminal)).toMatchObject({ ok: true });
  });

  it('verifies PINs by PVV and by offset', () => {
    const digits = pinOf('1234') ?? new Uint8Array();
    const pvv = pinVerificationValue(hex(TDES), digits, PAN, 1);
    const offset = ibmPinOffset(hex(TDES), digits, '4012345678909000');
    const ibm = { keyId: 'pvk-ibm', method: 'ibm3624', offset, validationData: '4012345678909000' } as const;
    const visa = { keyId: 'pvk', method: 'pvv', keyIndex: 1, pvv } as const;
    for (const check of [visa, ibm]) {
      expect(vault.verifyPin(pinUnder('pin', TDES), check)).toEqual({ ok: true, matches: true });
      expect(vault.verifyPin(pinUnder('pin-aes', AES, 4), check)).toEqual({ ok: true, matches: true });
      expect(vault.verifyPin(pinUnder('pin', TDES, 0, '1235'), check)).toEqual({ ok: true, matches: false });
    }
  });

  it('refuses keys that are for something else, and input that is none', () => {
    const message = hex('00');
    const pin = pinUnder('pin', TDES);
    const visa = { keyId: 'pvk', method: 'pvv', keyIndex: 1, pvv: '1234' } as const;
    const ksn = hex('FFFF9876543210E00001');
    expect(vault.mac({ keyId: 'none', message })).toMatchObject({ code: 'noKey', problem: 'there is no key "none"' });
    expect(vault.mac({ keyId: 'pin', message })).toMatchObject({ code: 'wrongKey' });
    expect(vault.mac({ keyId: 'retail-long', message })).toMatchObject({ code: 'wrongKey' });
    expect(vault.mac({ keyId: 'retail-make', message })).toMatchObject({ ok: true });
    expect(vault.verifyMac({ keyId: 'retail-make', message }, hex('00000000'))).toMatchObject({ code: 'wrongKey' });
    expect(vault.mac({ keyId: 'retail', ksn, message })).toMatchObject({ code: 'wrongKey' });
    expect(vault.mac({ keyId: 'bdk', ksn: hex('FFFF'), message })).toMatchObject({ code: 'refused' });
    expect(vault.mac({ keyId: 'bdk-aes', ksn, message })).toMatchObject({ code: 'refused' });
    expect(vault.translatePin(pin, { keyId: 'pin-aes', format: 0 })).toMatchObject({ code: 'wrongKey' });
    expect(vault.translatePin(pin, { keyId: 'bdk', ksn, format: 4 })).toMatchObject({ code: 'wrongKey' });
    expect(vault.translatePin(pin, { keyId: 'pin-out', format: 3 })).toMatchObject({ ok: true });
    expect(vault.translatePin({ ...pin, keyId: 'pin-out' }, { keyId: 'pin', format: 0 })).toMatchObject({
      code: 'wrongKey',
    });
    expect(vault.translatePin({ ...pin, block: hex('0011') }, { keyId: 'pin', format: 0 })).toMatchObject({
      code: 'refused',
    });
    expect(vault.verifyPin(pin, { ...visa, keyId: 'pvk-ibm' })).toMatchObject({ code: 'wrongKey' });
    expect(vault.verifyPin(pin, { ...visa, keyId: 'pvk-aes' })).toMatchObject({ code: 'wrongKey' });
    expect(vault.verifyPin({ ...pin, pan: '1' }, visa)).toMatchObject({ code: 'refused' });
    expect(vault.tokenOf('token-short', PAN)).toMatchObject({ code: 'wrongKey' });
    expect(vault.tokenOf('imk', PAN)).toMatchObject({ code: 'wrongKey' });
  });

  it('makes tokens', () => {
    const result = vault.tokenOf('token', '4761739001010119');
    const token = createHmac('sha256', hex(AES + AES))
      .update('4761739001010119')
      .digest('hex')
      .slice(0, 32);
    expect(result).toEqual({ ok: true, token: { token, first6: '476173', last4: '0119' } });
    for (const bytes of [16, 24, 63, 64, 65, 100]) {
      const key = Uint8Array.from({ length: bytes }, (_, at) => 7 * at);
      for (const pan of [PAN, '1'.repeat(12), '9'.repeat(19)]) {
        const expected = createHmac('sha256', key).update(pan).digest('hex').slice(0, 32);
        expect(panToken(key, pan).token).toBe(expected);
      }
    }
    expect(panToken(hex(AES), '123456789012')).toMatchObject({ first6: '', last4: '' });
    expect(panToken(hex(AES), PAN).token).not.toBe(panToken(hex(TDES), PAN).token);
    expect(() => panToken(new Uint8Array(15), PAN)).toThrow(RangeError);
  });
});

describe('sealed data', () => {
  const plain = hex('00112233');

  it('is opened with its key and for what it was sealed', () => {
    const sealed = vault.seal('data', plain, 'queue/1');
    const bytes = sealed.ok ? sealed.sealed : expect.fail(sealed.problem);
    expect(vault.unseal('data', bytes, 'queue/1')).toEqual({ ok: true, plain: Buffer.from(plain) });
    expect(vault.unseal('data-in', bytes, 'queue/1')).toMatchObject({ ok: true });
    for (const [keyId, context] of [
      ['data', 'queue/2'],
      ['data-gcm', 'queue/1'],
    ] as const) {
      expect(vault.unseal(keyId, bytes, context)).toMatchObject({ ok: false, code: 'refused' });
    }
    expect(vault.unseal('data', bytes.subarray(0, 20), 'queue/1')).toMatchObject({ ok: false, code: 'refused' });
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(vault.unseal('data', changed, 'queue/1')).toMatchObject({ ok: false, code: 'refused' });
    }
    expect(vault.seal('data', plain, 'queue/1')).not.toEqual(sealed);
  });

  it('is that of AES-GCM: test case 3 of its specification (McGrew and Viega)', () => {
    const nonce = 'CAFEBABEFACEDBADDECAF888';
    const tag = '4D5C2AF327CD64A62CF35ABD2BA6FAB4';
    const cipher =
      '42831EC2217774244B7221B784D0D49CE3AA212F2C02A4E035C17E2329ACA12E21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC973D58E091473F5985';
    const opened = vault.unseal('data-gcm', hex(nonce + tag + cipher), '');
    expect(opened.ok && toHex(opened.plain)).toBe(
      'D9313225F88406E5A55909C5AFF5269A86A7A9531534F7DA2E4C303D8A318A721C3C0C95956809532FCF0E2449A6B525B16AEDF5AA0DE657BA637B391AAFD255',
    );
  });

  it('needs an AES key for data', () => {
    for (const [keyId, code] of [
      ['none', 'noKey'],
      ['cmac', 'wrongKey'],
      ['data-tdes', 'wrongKey'],
      ['data-in', 'wrongKey'],
    ] as const) {
      expect(vault.seal(keyId, plain, '')).toMatchObject({ ok: false, code });
    }
    expect(vault.unseal('data-tdes', plain, '')).toMatchObject({ ok: false, code: 'wrongKey' });
  });
});
