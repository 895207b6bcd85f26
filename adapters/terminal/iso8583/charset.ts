/** Tables that turn bytes into characters and back. All of them are made once and never change. */

/** EBCDIC code page 037 (CCSID 37): the Latin-1 code of each byte. It has every Latin-1 character exactly once. */
const FROM_EBCDIC = Buffer.from(
  '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c050607' +
    '909116939495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f1a22e3c282b7c26e9eaebe8edeeefecdf21242a293bac' +
    '2d2fc2c4c0c1c3c5c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1' +
    'b06a6b6c6d6e6f707172aabae6b8c6a4b57e737475767778797aa1bfd0dddeae5ea3a5b7a9a7b6bcbdbe5b5dafa8b4d7' +
    '7b414243444546474849adf4f6f2f3f57d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d5' +
    '30313233343536373839b3dbdcd9da9f',
  'hex',
);

/** The EBCDIC byte of each Latin-1 code. */
export const TO_EBCDIC: Uint8Array = Uint8Array.from(FROM_EBCDIC, (_, code) => FROM_EBCDIC.indexOf(code));

/** The character of each byte. */
export const ASCII_CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
export const EBCDIC_CHARACTERS: readonly string[] = Array.from(FROM_EBCDIC, (code) => String.fromCharCode(code));

/**
 * The two characters of each BCD byte. A half byte n is the character 30 + n: digits, and for tracks `:;<=>?`, the set
 * that they have on the stripe (ISO/IEC 7811-2), where the separator `=` is D.
 */
export const BCD_PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(0x30 + (byte >> 4), 0x30 + (byte & 0xf)),
);

/** The value of each hex character, upper or lower case; 255 for any other byte. */
export const HEX_VALUES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : 255;
});

/** The same for hex written in EBCDIC. */
export const EBCDIC_HEX_VALUES: Uint8Array = Uint8Array.from(FROM_EBCDIC, (code) => HEX_VALUES[code] ?? 255);
