// AES DUKPT: the published test vectors of X9.24-3:2017, and which counters and lengths are refused.
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import {
  AES_DUKPT_USES,
  type AesDukptKeyType,
  type AesDukptUse,
  aesInitialKey,
  aesWorkingKey,
} from '../../../../../adapters/terminal/crypto/dukpt/aes-dukpt.ts';
import { hex } from '../../../../support/seeded-bytes.ts';

const BDK = hex('FEDCBA9876543210F1F1F1F1F1F1F1F1');
const ID = '1234567890123456';

function key(counter: number, use: AesDukptUse, bdk = BDK, type?: AesDukptKeyType): string {
  const ksn = hex(ID + counter.toString(16).padStart(8, '0'));
  const derived = aesWorkingKey(bdk, ksn, use, type);
  return derived.ok ? toHex(derived.keys) : derived.problem;
}

describe('AES DUKPT', () => {
  it('has the initial key of the standard', () => {
    const derived = aesInitialKey(BDK, hex(`${ID}00000007`));
    expect(derived.ok && toHex(derived.keys)).toBe('1273671EA26AC29AFA4D1084127652A1');
  });

  it.each([
    [1, 'pin', 'AF8CB133A78F8DC2D1359F18527593FB'],
    [1, 'macRequest', 'A2DC23DE6FDE0824A2BC321E08E4B8B7'],
    [1, 'macResponse', 'DBB463945B286C07CD3AD82EE96FD9C9'],
    [1, 'macBoth', '85675439D18D7F1158BD8E3EAA3D502B'],
    [1, 'dataRequest', 'A35C412EFD41FDB98B69797C02DCD08F'],
    [1, 'keyEncryption', '36A724B7BEFA5A25F5E7B5782A4554A2'],
    [2, 'pin', 'D30BDC73EC9714B000BEC66BDB7B6D09'],
    [3, 'pin', '7D69F01F3B45449F62C7816ECE723268'],
    [0xfffe4000, 'pin', '6239A27F572DEDB17BCA1AC413EF9FE9'],
    [0xfffe8000, 'pin', 'F10C1404137A80718FCCE8BD90FF9F67'],
    [0xffff0000, 'pin', '27EFAC1D158632588F4AC69E45C247C4'],
    [8_675_309, 'pin', 'D1DDA386AA4A556AF0119FDCB5D132C6'],
  ] as const)('has for transaction %i and %s the key of the standard', (counter, use, expected) => {
    expect(key(counter, use)).toBe(expected);
  });

  it.each([
    [1, '8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502'],
    [2, '3583D6CD02FC38822CC71A8D7678E04F4A8556335E6CC66863D3DADC5AEE2C62'],
    [3, '96A1AB5D37CB7CF81DDE64F66C46E0389B833E7AD5F4E44C791F04FAFDA6DA0E'],
    [0xffff0000, '88B82556AEF4A681E0687F443A4C4F305AF9203B114470DFC77C7F08BC43F9DA'],
  ])('has for transaction %i the PIN key of the standard with 256 bits', (counter, expected) => {
    const bdk = hex('FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1');
    const initial = aesInitialKey(bdk, hex(`${ID}00000000`));
    expect(initial.ok && toHex(initial.keys)).toBe('CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F');
    expect(key(counter, 'pin', bdk)).toBe(expected);
  });

  it('has different keys for every use and type', () => {
    const bdk = hex('FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1');
    const all = (['tdes2', 'tdes3', 'aes128', 'aes192', 'aes256'] as const).flatMap((type) =>
      (Object.keys(AES_DUKPT_USES) as AesDukptUse[]).map((use) => key(1, use, bdk, type)),
    );
    expect(new Set(all).size).toBe(40);
    expect([...new Set(all.map((one) => one.length))].sort()).toEqual([32, 48, 64]);
    expect(key(1, 'pin', bdk)).toHaveLength(64);
    expect(key(1, 'pin', bdk.subarray(0, 24))).toHaveLength(48);
  });

  it.each([
    [0, 'the counter of the KSN is 0: the first transaction has 1'],
    [0x1ffff, 'the counter of the KSN has 17 one bits: devices use counters with at most 16'],
    [0xffffffff, 'the counter of the KSN has 32 one bits: devices use counters with at most 16'],
  ])('refuses counter %i', (counter, problem) => {
    expect(key(counter, 'pin')).toBe(problem);
  });

  it('takes counters with sixteen one bits', () => {
    expect(key(0xffff0000, 'pin')).toMatch(/^[0-9A-F]{32}$/);
  });

  it('refuses other lengths, and keys that are longer than their base', () => {
    expect(aesInitialKey(BDK, hex('FFFF9876543210E00001'))).toMatchObject({ ok: false });
    expect(aesInitialKey(BDK.subarray(8), hex(`${ID}00000001`))).toMatchObject({ ok: false });
    // Triple DES with three keys is longer than AES-128, and not stronger.
    expect(key(1, 'pin', BDK, 'tdes3')).toHaveLength(48);
    expect(key(1, 'pin', BDK, 'aes256')).toBe('keys of type aes256 cannot come from a base key of 16 bytes');
  });
});
