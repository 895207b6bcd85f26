// BER-TLV: what is read comes back byte for byte, and problems name tag and offset.
import { describe, expect, it } from 'vitest';
import { findTag, isConstructed, parseTag, parseTlv, Tlv, tagName } from '../../../../adapters/terminal/tlv/tlv.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const LONG = 'AB'.repeat(200);

describe('parse and encode', () => {
  it.each([
    ['short', '9F02 06 000000000501 9A 03 210720', ['9F02', '9A']],
    ['nothing', '', []],
    ['filler between, before and after', '0000 9A 03 210720 00FF00 9C 01 00 FF FF', ['9A', '9C']],
    ['filler FF before tag 82', 'FF 82 02 1980', ['82']],
    ['filler FF before the amount 81', 'FF 81 04 00000001', ['81']],
    ['a length that could be shorter', '9A 81 03 210720 95 82 0005 0000008000', ['9A', '95']],
    ['long lengths', `91 81 C8 ${LONG}`, ['91']],
    ['private tags of three bytes', 'DF8101 02 AABB FF8105 01 00', ['DF8101', 'FF8105']],
    ['a tag of four bytes', '9F818102 01 00', ['9F818102']],
    ['repeated', '71 01 AA 71 01 BB', ['71', '71']],
    ['empty value', '9F6E 00', ['9F6E']],
  ])('%s', (_, hex, tags) => {
    const result = parseTlv(bytes(hex));
    expect(result.ok).toBe(true);
    expect([...result.tlv.entries()].map(([tag]) => tagName(tag))).toEqual(tags);
    expect(Buffer.from(result.tlv.encode())).toEqual(bytes(hex));
    for (const [tag] of result.tlv.entries()) expect(findTag(bytes(hex), tag)).toEqual(result.tlv.get(tag));
    expect(findTag(bytes(hex), 0x9f99)).toBeUndefined();
  });

  it.each([
    ['9A0321', '9A', 2, '3 bytes', '1 bytes left'],
    ['9C0100 9F', undefined, 3, 'a whole tag', 'the end after 1 bytes'],
    ['9C0100 9F8181818101', undefined, 3, 'a tag of 4 bytes at most', 'a longer one'],
    ['95', '95', 1, 'a length', 'the end'],
    ['95 80 00', '95', 1, 'a length in the short form, 81 or 82', 'byte 80'],
    ['95 83 000001 00', '95', 1, 'a length in the short form, 81 or 82', 'byte 83'],
    ['95 82 01', '95', 1, 'a length of 2 more bytes', 'the end'],
  ])('%s is refused', (hex, tag, offset, expected, found) => {
    const result = parseTlv(bytes(hex));
    expect(result).toMatchObject({ ok: false, problem: { tag, offset, expected, found } });
    expect(result.tlv.has(0x9c)).toBe(hex.startsWith('9C'));
    expect(findTag(bytes(hex), 0x95)).toBeUndefined();
  });

  it('builds, replaces in place and deletes', () => {
    const tlv = parseTlv(bytes('9A 03 210720 00 9F02 06 000000000501')).tlv;
    tlv.set(0x9a, bytes('260101')).set(0x8a, bytes('3030'));
    expect(Buffer.from(tlv.encode())).toEqual(bytes('9A 03 260101 00 9F02 06 000000000501 8A 02 3030'));
    expect(Buffer.from(tlv.delete(0x9f02).encode())).toEqual(bytes('9A 03 260101 8A 02 3030'));
    const sizes = [127, 128, 255, 256].map((size) => new Tlv().set(0x91, Buffer.alloc(size)).encode().length - size);
    expect(sizes).toEqual([2, 3, 3, 4]);
    expect(() => new Tlv().add(0x9f, bytes('00'))).toThrow(RangeError);
    expect(() => new Tlv().add(0x91, Buffer.alloc(65_536))).toThrow(RangeError);
  });

  it('knows what a tag is', () => {
    for (const tag of ['9A', '9F26', 'DF8101', 'FF8105', '5F2A']) expect(tagName(parseTag(tag)!)).toBe(tag);
    for (const tag of ['', '9', '9F', '9A00', '00', 'FF', '9F8126FF', 'zz']) expect(parseTag(tag), tag).toBeUndefined();
    expect([0x70, 0xe1, 0xff8105, 0x9f26, 0x5f2a].map(isConstructed)).toEqual([true, true, true, false, false]);
  });
});
