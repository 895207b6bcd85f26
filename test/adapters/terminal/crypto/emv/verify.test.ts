// Every verdict of a cryptogram, in its order of precedence, and the answer to the card.
import { describe, expect, it } from 'vitest';
import { concat, toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import { checkAtc, newAtcWindow } from '../../../../../adapters/terminal/crypto/emv/atc-window.ts';
import { IssuerKey } from '../../../../../adapters/terminal/crypto/emv/card-keys.ts';
import { makeCryptogram, makeResponse } from '../../../../../adapters/terminal/crypto/emv/cryptogram.ts';
import { SCHEME_NAMES, type Scheme } from '../../../../../adapters/terminal/crypto/emv/schemes.ts';
import { ArqcVerifier, VERDICTS } from '../../../../../adapters/terminal/crypto/emv/verify.ts';
import { hex } from '../../../../support/seeded-bytes.ts';

const IMK = hex('0123456789ABCDEFFEDCBA9876543210');
const CARD = { pan: '4761739001010119', psn: '01' };
/** Their order in the data: numbers as names would come first in an object. */
const ORDER = ['9F02', '9F03', '9F1A', '95', '5F2A', '9A', '9C', '9F37', '82', '9F36'];
const FIELDS: Readonly<Record<string, string>> = {
  '9F02': '000000001250',
  '9F03': '000000000000',
  '9F1A': '0156',
  '95': '0000008000',
  '5F2A': '0156',
  '9A': '261123',
  '9C': '00',
  '9F37': 'DEADBEEF',
  '82': '2000',
  '9F36': '0102',
};

/** The IAD of each scheme, and what of it goes into the cryptogram. */
const IADS: Readonly<Record<Scheme, readonly [iad: string, tail: string]>> = {
  'visa-cvn10': ['06010A03A02000', '03A02000'],
  'visa-cvn18': ['06011203A020000F010203', '06011203A020000F010203'],
  'visa-cvn22': [`1F2201${'A0'.repeat(29)}`, `1F2201${'A0'.repeat(29)}`],
  'mchip-cvn16': ['0110A040032200001122010203040506FF00', 'A04003220000'],
  'mchip-cvn17': ['0111A0400322000011220102030405060708', 'A040032200000102030405060708'],
  'mchip-cvn20': ['0114A0400322000011220102030405060708', 'A04003220000'],
  'mchip-cvn21': ['0115A04003220000112201020304050607080102', 'A0400322000001020304050607080102'],
  pboc: ['07010103A0A000010A0100', '03A0A000'],
};

type Changes = Readonly<Record<string, string | undefined>>;

/** A tap: tags with a right cryptogram over `changes`; `after` are changed once it is made. */
function tap(scheme: Scheme, changes: Changes = {}, after: Changes = {}) {
  const [iad, tail] = IADS[scheme];
  const fields: Changes = { ...FIELDS, '9F10': iad, '9F27': '80', ...changes };
  const data = hex(ORDER.map((tag) => fields[tag]).join('') + (changes.tail ?? tail));
  const keys = { scheme, imk: IMK, ...CARD, atc: hex(fields['9F36'] ?? ''), un: hex(fields['9F37'] ?? '') };
  const all: Changes = { ...fields, '9F26': toHex(makeCryptogram(keys, data).arqc), ...after };
  const tags = new Map(
    Object.entries(all).flatMap(([tag, value]) =>
      value === undefined ? [] : [[Number.parseInt(tag, 16), hex(value)] as const],
    ),
  );
  return { ...CARD, tags, keys };
}

const verifier = new ArqcVerifier();
const issuer = new IssuerKey(IMK);
const told = new Set<string>();

function verdictOf(request: Parameters<ArqcVerifier['verify']>[1], key: IssuerKey | undefined = issuer) {
  const result = verifier.verify(key, request);
  told.add(result.verdict);
  return result;
}

describe('a right cryptogram', () => {
  it.each(SCHEME_NAMES)('of %s is ok and is answered', (scheme) => {
    const { keys, ...request } = tap(scheme);
    const codes = { arc: hex('3030'), csu: hex('00820000') };
    const result = verdictOf({ ...request, codes });
    expect(result).toMatchObject({ verdict: 'ok', scheme, atc: 0x0102 });
    const arqc = request.tags.get(0x9f26) ?? new Uint8Array();
    expect(result.response).toEqual(makeResponse(keys, arqc, codes));
    expect(verifier.respondTo(issuer, request, codes)).toEqual(result.response);
  });

  it.each(SCHEME_NAMES)('of %s is invalid after any change of a tag that it covers', (scheme) => {
    for (const tag of ['9F02', '9F1A', '5F2A', '9A', '9C', '9F37', '82', '9F36', '95', '9F26']) {
      const { tags, ...request } = tap(scheme);
      const value = tags.get(Number.parseInt(tag, 16))?.slice() ?? new Uint8Array();
      value[0] = (value[0] ?? 0) ^ 1;
      tags.set(Number.parseInt(tag, 16), value);
      expect(verdictOf({ ...request, tags }).verdict, tag).toBe('invalid');
    }
  });

  it('of another card is invalid', () => {
    expect(verdictOf({ ...tap('visa-cvn10'), pan: '4761739001010127' }).verdict).toBe('invalid');
    expect(verdictOf({ ...tap('visa-cvn10'), psn: '02' }).verdict).toBe('invalid');
  });

  it('may leave out the other amount when it is zero, and only then', () => {
    expect(verdictOf(tap('visa-cvn18', {}, { '9F03': undefined })).verdict).toBe('ok');
    expect(verdictOf(tap('visa-cvn18', { '9F03': '000000000100' }, { '9F03': undefined })).verdict).toBe('invalid');
  });
});

describe('verdict', () => {
  it.each(['9F02', '9F1A', '95', '5F2A', '9A', '9C', '9F37', '82', '9F36', '9F26', '9F27', '9F10'])(
    'format: tag %s is missing or of another length',
    (tag) => {
      const missing = verdictOf(tap('visa-cvn10', {}, { [tag]: undefined }));
      expect(missing).toEqual({ verdict: 'format', problem: `tag ${tag} is missing` });
      const { verdict, problem } = verdictOf(tap('visa-cvn10', {}, { [tag]: '00'.repeat(40) }));
      expect(verdict).toBe('format');
      expect(problem).toContain(tag);
    },
  );

  it('format: no PAN, no sequence number, another scheme than the card is of', () => {
    const request = tap('visa-cvn10');
    expect(verdictOf({ ...request, pan: '47617390010101x9' })).toMatchObject({ verdict: 'format' });
    expect(verdictOf({ ...request, psn: '1' })).toMatchObject({ verdict: 'format' });
    const { problem } = verdictOf({ ...request, scheme: 'mchip-cvn16' });
    expect(problem).toBe('the IAD (9F10) is of visa-cvn10, expected mchip-cvn16');
  });

  it.each([
    '',
    '06010A',
    '06010B03A00000',
    '06010A04A00000',
    '07010203A0000001',
    `1F2301${'00'.repeat(29)}`,
    '0112A04003220000112201020304050607',
    '0130A0400322000011220102030405060708',
  ])('format: the IAD %s is of no known scheme', (iad) => {
    expect(verdictOf(tap('visa-cvn10', {}, { '9F10': iad })).verdict).toBe('format');
  });

  it.each([
    ['00', '9F27 says AAC, not ARQC'],
    ['40', '9F27 says TC, not ARQC'],
    ['C0', '9F27 says a reserved type, not ARQC'],
  ])('notArqc: 9F27 is %s', (type, problem) => {
    expect(verdictOf(tap('visa-cvn10', { '9F27': type }))).toMatchObject({ verdict: 'notArqc', problem });
  });

  it('technical: no key, or SM4', () => {
    expect(verifier.verify(undefined, tap('visa-cvn10')).verdict).toBe('technical');
    expect(verdictOf(tap('pboc', { '9F10': '07010103A0A000040A0100' })).verdict).toBe('technical');
  });

  it('tvrCvrInvalid: the card did not ask to go online, or has bits that the issuer refuses', () => {
    const declined = tap('visa-cvn10', { '9F10': '06010A03802000', tail: '03802000' });
    expect(verdictOf(declined).verdict).toBe('tvrCvrInvalid');
    const tvr = verdictOf({ ...tap('visa-cvn10'), refused: { tvr: hex('0000008000') } });
    expect(tvr).toMatchObject({
      verdict: 'tvrCvrInvalid',
      problem: 'the TVR has bits 80 in byte 4, which are refused',
    });
    const cvr = verdictOf({ ...tap('mchip-cvn21'), refused: { cvr: hex('0040') } });
    expect(cvr).toMatchObject({
      verdict: 'tvrCvrInvalid',
      problem: 'the CVR has bits 40 in byte 2, which are refused',
    });
    expect(verdictOf({ ...tap('mchip-cvn21'), refused: { cvr: hex('0001'), tvr: hex('FF') } }).verdict).toBe('ok');
  });

  it('of the ATC: replayed, out of range, a jump', () => {
    const request = tap('visa-cvn18');
    const first = verdictOf({ ...request, atcWindow: newAtcWindow() });
    expect(first.verdict).toBe('ok');
    const again = verdictOf({ ...request, atcWindow: first.atcWindow ?? newAtcWindow() });
    expect(again).toMatchObject({ verdict: 'atcReplayed', atcWindow: first.atcWindow });
    expect(verdictOf({ ...request, atcWindow: newAtcWindow(0x0102) }).verdict).toBe('atcOutOfRange');
    const low = checkAtc(newAtcWindow(), 1).next;
    expect(verdictOf({ ...request, atcWindow: low, atcJumpMax: 0x101 }).verdict).toBe('ok');
    const jump = verdictOf({ ...request, atcWindow: low, atcJumpMax: 0x100 });
    expect(jump).toMatchObject({ verdict: 'atcJump', atcWindow: { highest: 0x0102 } });
  });

  it('precedes by its order: a wrong cryptogram says nothing of the counter or the results', () => {
    const after = { '9F26': '0011223344556677' };
    const wrong = { atcWindow: newAtcWindow(0x0102), refused: { tvr: hex('FFFFFFFFFF') } };
    expect(verdictOf({ ...tap('visa-cvn18', {}, after), ...wrong }).verdict).toBe('invalid');
    expect(verdictOf({ ...tap('visa-cvn18'), ...wrong }).verdict).toBe('tvrCvrInvalid');
    expect(verdictOf({ ...tap('visa-cvn18', { '9F27': '40' }, after), ...wrong }).verdict).toBe('notArqc');
  });

  it('each was seen here', () => {
    verdictOf(tap('visa-cvn10'), undefined);
    expect([...told].sort()).toEqual([...VERDICTS].sort());
  });
});

describe('answer after the decision', () => {
  it('is refused without the tags that it needs', () => {
    const { tags, ...card } = tap('visa-cvn10');
    for (const tag of ['9F26', '9F36', '9F10']) {
      const fewer = new Map([...tags].filter(([name]) => name !== Number.parseInt(tag, 16)));
      expect(verifier.respondTo(issuer, { ...card, tags: fewer }, { arc: hex('3030') }).ok).toBe(false);
    }
  });

  it('has the codes of the issuer in tag 91', () => {
    const request = tap('visa-cvn22');
    const response = verifier.respondTo(issuer, request, { csu: hex('00820000'), proprietary: hex('0102') });
    if (!response.ok) expect.fail(response.problem);
    expect(response.tag91).toEqual(concat(response.arpc, hex('008200000102')));
  });
});
