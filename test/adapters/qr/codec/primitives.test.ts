// The small parts: checksum, check digit, amounts.
import { describe, expect, it } from 'vitest';
import { readAmountText } from '../../../../adapters/qr/codec/amount-text.ts';
import { checkDigitOf, hasCheckDigit } from '../../../../protocol/check-digit.ts';
import { crc16, formatCrc } from '../../../../adapters/qr/codec/crc16.ts';
import { charactersBefore } from '../../../../adapters/qr/codec/findings.ts';
import { checkText } from '../../../../adapters/qr/codec/merchant-text.ts';
import { naiveCrc } from './make-code.ts';

describe('the checksum', () => {
  it('has the check value of its standard', () => {
    expect(formatCrc(crc16('123456789'))).toBe('29B1');
    expect(checkText('123456789____').crc).toBe(0x29b1);
  });

  it.each(['', 'a', 'ab', 'abc', '\u00e9', 'a\u00e9b', '最佳运输', 'ab😀c', '\u07ff\u0800\uffff\u{10000}\u{10ffff}'])(
    'of "%s" is the naive one',
    (text) => {
      expect(formatCrc(crc16(text))).toBe(naiveCrc(text));
      // Four characters behind it are not counted.
      expect(formatCrc(checkText(`${text}6304`).crc)).toBe(naiveCrc(text));
    },
  );

  it('keeps leading zeros', () => {
    expect(formatCrc(0x0a)).toBe('000A');
  });
});

describe('the check digit', () => {
  it.each([
    ['7992739871', '3'],
    ['541333008901043', '4'],
    ['0', '0'],
    ['5', '9'],
  ])('of %s is %s', (digits, check) => {
    expect(checkDigitOf(digits)).toBe(check);
    expect(hasCheckDigit(digits + check)).toBe(true);
  });

  it('catches each single wrong digit', () => {
    const right = '79927398713';
    for (let at = 0; at < right.length; at++) {
      for (let digit = 0; digit <= 9; digit++) {
        const other = right.slice(0, at) + digit + right.slice(at + 1);
        expect(hasCheckDigit(other), other).toBe(other === right);
      }
    }
  });

  it('is not one digit alone', () => {
    expect(hasCheckDigit('0')).toBe(false);
    expect(hasCheckDigit('')).toBe(false);
  });
});

describe('an amount', () => {
  it.each<readonly [text: string, decimals: number, minor: number, excess: number]>([
    ['98.73', 2, 9873, 0],
    ['98', 2, 9800, 0],
    ['98.', 2, 9800, 0],
    ['98.', 0, 98, 0],
    ['0', 2, 0, 0],
    ['0.5', 2, 50, 0],
    ['1.230', 2, 123, 1],
    ['1.00', 0, 1, 2],
    ['90071992547409.91', 2, 9007199254740991, 0],
  ])('%s with %d decimals is %d', (text, decimals, minor, excess) => {
    expect(readAmountText(`x${text}y`, 1, text.length + 1, decimals)).toEqual({ ok: true, minor, excess });
  });

  it.each<readonly [text: string, decimals: number, code: string, at: number]>([
    ['98,73', 2, 'badAmount', 2],
    ['.5', 2, 'badAmount', 0],
    ['1.2.3', 2, 'badAmount', 3],
    ['-1', 2, 'badAmount', 0],
    ['+1', 2, 'badAmount', 0],
    ['1e3', 2, 'badAmount', 1],
    ['1 000', 2, 'badAmount', 1],
    ['٣', 2, 'badAmount', 0],
    ['', 2, 'badAmount', 0],
    ['.', 2, 'badAmount', 0],
    ['1.234', 2, 'badDecimals', 4],
    ['1.5', 0, 'badDecimals', 2],
    ['90071992547409.92', 2, 'amountTooLarge', 0],
    ['9999999999999', 4, 'amountTooLarge', 0],
  ])('%s with %d decimals: %s', (text, decimals, code, at) => {
    expect(readAmountText(text, 0, text.length, decimals)).toMatchObject({ ok: false, code, at });
  });
});

describe('characters before a place', () => {
  it.each([
    ['abc', 2, 2],
    ['😀b', 2, 1],
    ['😀😀', 4, 2],
    ['a😀', 0, 0],
    ['\ud83dx', 2, 2],
    ['\ude00x', 1, 1],
  ])('"%s" before %d: %d', (text, place, count) => expect(charactersBefore(text, place)).toBe(count));
});
