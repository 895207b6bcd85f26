// Key blocks: published ones, round trips, every error, and that no changed block is ever unwrapped.
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import { aesCmac } from '../../../../../adapters/terminal/crypto/mac.ts';
import { TR31_ERRORS, TR31_VERSIONS, type Tr31Header } from '../../../../../adapters/terminal/crypto/tr31/header.ts';
import { checkValue, unwrapKey, wrapKey } from '../../../../../adapters/terminal/crypto/tr31/key-block.ts';
import { hex, SeededBytes } from '../../../../support/seeded-bytes.ts';

const SEED = 143;

/** TR-31:2018 annex A.7 and its predecessors. */
const PUBLISHED = [
  [
    '89E88CF7931444F334BD7547FC3F380C',
    'A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701',
    'F039121BEC83D26B169BDCD5B22AAF8F',
  ],
  [
    'DD7515F2BFC17F85CE48F3CA25CB21F6',
    'B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E',
    '3F419E1CB7079442AA37474C2EFBF8B8',
  ],
  [
    'B8ED59E0A279A295E9F5ED7944FD06B9',
    'C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C',
    'EDB380DD340BC2620247D445F5B8D678',
  ],
  [
    '88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6',
    'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34',
    '3F419E1CB7079442AA37474C2EFBF8B8',
  ],
] as const;

const HEADER: Tr31Header = {
  version: 'D',
  usage: 'E0',
  algorithm: 'T',
  mode: 'X',
  keyVersion: '00',
  exportability: 'N',
  optional: [],
};
const KBPK = '88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6';
const KEY = '0123456789ABCDEFFEDCBA9876543210';
const told = new Set<string>();

function unwrap(kbpk: string, block: string) {
  const result = unwrapKey(hex(kbpk), block);
  if (!result.ok) {
    told.add(result.code);
    return result;
  }
  return { ...result, key: toHex(result.key) };
}

function wrap(header: Tr31Header, kbpk = KBPK, key = KEY, maskedBytes = 0): string {
  const result = wrapKey(hex(kbpk), header, hex(key), { maskedBytes });
  return result.ok ? result.block : expect.fail(result.problem);
}

describe('published key blocks', () => {
  it.each(PUBLISHED)('under %s: %s', (kbpk, block, key) => {
    expect(unwrap(kbpk, block)).toMatchObject({ ok: true, key });
  });

  it('are read with their headers', () => {
    const read = unwrap(PUBLISHED[2][0], PUBLISHED[2][1]);
    expect(read).toMatchObject({
      header: {
        version: 'C',
        usage: 'B0',
        algorithm: 'T',
        mode: 'X',
        keyVersion: '12',
        exportability: 'S',
        optional: [{ id: 'KS', data: '00604B120F9292800000' }],
      },
    });
  });

  it.each(PUBLISHED)('are wrapped again to the same, given the fill: under %s', (kbpk, block, key) => {
    const read = unwrapKey(hex(kbpk), block);
    if (!read.ok) expect.fail(read.problem);
    // The fill is not public; a wrapped key must be unwrapped to itself, with the same header and length.
    const result = wrapKey(hex(kbpk), read.header, read.key);
    if (!result.ok) expect.fail(result.problem);
    expect(result.block).toHaveLength(block.length);
    expect(result.block.slice(0, 16)).toBe(block.slice(0, 16));
    expect(unwrap(kbpk, result.block)).toMatchObject({ ok: true, key, header: read.header });
  });

  it('of version D is wrapped to the same with its fill', () => {
    const [kbpk, block, key] = PUBLISHED[3];
    const random = () => hex('1C2965473CE206BB855B01533782');
    const header = { ...HEADER, usage: 'P0', algorithm: 'A', mode: 'E', exportability: 'E' };
    expect(wrapKey(hex(kbpk), header, hex(key), { random })).toEqual({ ok: true, block });
  });
});

describe('key block', () => {
  it.each(TR31_VERSIONS)(
    `of version %s round-trips with optional blocks and masked lengths, seed ${SEED}`,
    (version) => {
      const random = new SeededBytes(SEED);
      for (let run = 0; run < 100; run++) {
        const kbpk = toHex(random.bytes(random.pick(version === 'D' ? [16, 24, 32] : [16, 24])));
        const [algorithm, bytes] = random.pick([
          ['T', 16],
          ['T', 24],
          ['A', 32],
          ['D', 8],
          ['H', 40],
        ] as const);
        const key = toHex(random.bytes(bytes));
        const optional = Array.from({ length: random.between(0, 4) }, (_, at) => ({
          id: `K${at}`,
          data: 'x'.repeat(random.pick([0, 1, 5, 20, 251, 252, 300])),
        }));
        const header = { ...HEADER, version, algorithm, optional };
        const block = wrap(header, kbpk, key, random.between(0, 64));
        expect(unwrap(kbpk, block)).toEqual({ ok: true, header, key });
      }
    },
  );

  it.each(TR31_VERSIONS)(
    `of version %s is not unwrapped after any change of one character, seed ${SEED}`,
    (version) => {
      const random = new SeededBytes(SEED);
      const kbpk = KBPK.slice(0, 48);
      const block = wrap({ ...HEADER, version, optional: [{ id: 'KS', data: '00604B120F9292800000' }] }, kbpk);
      expect(unwrap(kbpk, block).ok).toBe(true);
      for (let at = 0; at < block.length; at++) {
        for (const other of [...'0189ABDEFNTXZ ~', String.fromCharCode(33 + random.between(0, 90))]) {
          // Hex digits may be written in either case.
          if (other.toUpperCase() === block[at]) continue;
          const changed = block.slice(0, at) + other + block.slice(at + 1);
          if (unwrap(kbpk, changed).ok) expect.fail(`"${other}" at ${at} is accepted`);
        }
      }
      for (let length = 0; length < block.length; length++) expect(unwrap(kbpk, block.slice(0, length)).ok).toBe(false);
      expect(unwrap(kbpk, `${block}00`).ok).toBe(false);
    },
  );

  it.each(TR31_VERSIONS)(`of version %s is not unwrapped under another key, seed ${SEED}`, (version) => {
    const random = new SeededBytes(SEED);
    const block = wrap({ ...HEADER, version }, KBPK.slice(0, 32));
    for (let run = 0; run < 50; run++) {
      expect(unwrap(toHex(random.bytes(16)), block)).toMatchObject({ ok: false, code: 'mac' });
    }
  });

  it('does not tell the length of a masked key', () => {
    expect(wrap(HEADER, KBPK, KEY, 32)).toHaveLength(wrap(HEADER, KBPK, KEY + KEY.slice(16), 32).length);
  });
});

describe('error', () => {
  const [kbpk, block] = PUBLISHED[3];
  const with_ = (at: number, text: string): string => block.slice(0, at) + text + block.slice(at + text.length);

  it.each([
    ['characters', with_(20, 'é'), 'a key block is printable ASCII'],
    ['characters', with_(20, 'G'), 'the key and the MAC of a key block are hex digits'],
    ['version', with_(0, 'E'), 'the version must be A, B, C or D, not "E"'],
    ['length', 'D0112', 'a key block has at least 16 characters, not 5'],
    ['length', with_(1, '0128'), 'the header says 0128 characters, the block has 112'],
    ['length', with_(1, 'x112'), 'the header says x112 characters, the block has 112'],
    [
      'length',
      'D0048P0AE00E0000B82679114F470F540165EDFBF7E250FC',
      'after the header come whole blocks of 16 bytes and a MAC of 16, not 16 bytes',
    ],
    ['usage', with_(5, 'p0'), 'the key usage must be two capitals or digits, for example E0, not "p0"'],
    ['algorithm', with_(7, 'X'), 'the algorithm must be A, D, E, H, R, S, T or a digit, not "X"'],
    ['mode', with_(8, 'Z'), 'the mode of use must be B, C, D, E, G, N, S, T, V, X, Y or a digit, not "Z"'],
    ['keyVersion', with_(9, '-1'), 'the key version must be two letters or digits, not "-1"'],
    ['exportability', with_(11, 'X'), 'the exportability must be E, N or S, not "X"'],
    ['optionalBlocks', with_(12, 'x1'), 'the number of optional blocks must be digits, not "x1"'],
    ['optionalBlocks', with_(12, '0100KS02'), 'optional block 1 at character 16 has no valid length'],
    ['optionalBlocks', with_(12, '0100KSFF'), 'optional block 1 at character 16 has no valid length'],
    ['optionalBlocks', with_(12, '0100KS0005'), 'optional block 1 at character 16 has no valid length'],
    ['optionalBlocks', with_(12, '0100K!10'), 'optional block 1 at character 16 has no valid name'],
    ['optionalBlocks', with_(12, '0100KS06'), 'header and optional blocks have 22 characters, not a multiple of 16'],
    ['optionalBlocks', with_(12, '0200PB08xxxx'), 'the padding block must be the last optional one'],
    ['mac', with_(111, '5'), 'the MAC is wrong: another protection key, or the block was changed'],
  ] as const)('%s', (code, changed, problem) => {
    expect(unwrap(kbpk, changed)).toEqual({ ok: false, code, problem });
  });

  it('protectionKey: of another length', () => {
    expect(unwrap('0011', block)).toMatchObject({ code: 'protectionKey' });
    expect(unwrap(KBPK, PUBLISHED[1][1])).toMatchObject({
      code: 'protectionKey',
      problem: 'version B needs a protection key of 16 or 24 bytes, not 32',
    });
    expect(wrapKey(hex('0011'), HEADER, hex(KEY))).toMatchObject({ code: 'protectionKey' });
  });

  it('key: of a length that its algorithm does not have', () => {
    expect(wrapKey(hex(KBPK), { ...HEADER, algorithm: 'A' }, hex('0011'))).toEqual({
      ok: false,
      code: 'key',
      problem: 'a key of algorithm A has 16, 24, 32 bytes, not 2',
    });
    expect(wrapKey(hex(KBPK), { ...HEADER, algorithm: 'H' }, new Uint8Array(513))).toMatchObject({ code: 'key' });
  });

  it.each(['0087', '0000', 'FFFF', '00C0'])('key: the block says %s bits, under a right MAC', (bits) => {
    const clear = Buffer.concat([hex(bits), hex(KEY), hex('000000000000')]);
    const result = unwrap(KBPK.slice(0, 32), handMade(clear));
    expect(result).toMatchObject({ ok: false, code: 'key' });
  });

  it('has no key material, and each code was seen', () => {
    for (const [protection, text, key] of PUBLISHED) {
      const { ok, ...said } = unwrap(protection, `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`);
      expect(ok).toBe(false);
      expect(JSON.stringify(said)).not.toMatch(new RegExp(`${key}|${protection}`));
    }
    expect([...told].sort()).toEqual([...TR31_ERRORS].sort());
  });
});

describe('check value', () => {
  it.each([
    ['T', KEY, '08D7B4'],
    ['D', '0123456789ABCDEF', 'D5D44F'],
    [
      'A',
      '2B7E151628AED2A6ABF7158809CF4F3C',
      toHex(aesCmac(hex('2B7E151628AED2A6ABF7158809CF4F3C'), new Uint8Array(16))).slice(0, 10),
    ],
    ['H', KEY, undefined],
    ['A', '0011', undefined],
  ])('of algorithm %s', (algorithm, key, expected) => {
    const value = checkValue(algorithm, hex(key));
    expect(value).toBe(expected);
  });
});

/** A block of version A around any content, by the variants of its protection key. */
function handMade(clear: Uint8Array): string {
  const header = Buffer.from('A0072E0TX00N0000');
  const variant = (byte: number): Buffer =>
    Buffer.from(
      hex(KBPK)
        .subarray(0, 16)
        .map((one) => one ^ byte),
    );
  const both = (key: Buffer): Buffer => Buffer.concat([key, key.subarray(0, 8)]);
  const cipher = (key: Buffer, iv: Uint8Array) => createCipheriv('des-ede3-cbc', both(key), iv).setAutoPadding(false);
  const encrypted = cipher(variant(0x45), header.subarray(0, 8)).update(clear);
  const mac = cipher(variant(0x4d), Buffer.alloc(8))
    .update(Buffer.concat([header, encrypted]))
    .subarray(-8, -4);
  return header.toString() + toHex(encrypted) + toHex(mac);
}
