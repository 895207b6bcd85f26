/**
 * The checksum of merchant-presented codes: CRC-16 with polynomial 0x1021, initial value 0xFFFF, nothing reflected or
 * inverted (EMVCo QRCPS-MPM 4.7.3, known as CRC-16/CCITT-FALSE). It catches every change of up to 16 bits in a row.
 */

const POLYNOMIAL = 0x1021;
export const CRC16_START = 0xffff;

/** Remainder of each byte, and of each byte with another behind it. */
const ONE = makeTable();
const TWO = ONE.map((rest) => ((rest << 8) & 0xffff) ^ (ONE[rest >> 8] as number));

function makeTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte << 8;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 0x8000) === 0 ? rest << 1 : (rest << 1) ^ POLYNOMIAL;
    table[byte] = rest;
  }
  return table;
}

/** The checksum with one byte more. */
export function crc16Byte(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (ONE[(crc >> 8) ^ byte] as number);
}

/** The checksum with two bytes more: two look-ups beside each other take half the time of two behind each other. */
export function crc16Pair(crc: number, first: number, second: number): number {
  return (TWO[(crc >> 8) ^ first] as number) ^ (ONE[(crc & 0xff) ^ second] as number);
}

/** Checksum over the UTF-8 bytes of a text. Half a surrogate pair counts as the replacement character, as in Buffer. */
export function crc16(text: string): number {
  let crc = CRC16_START;
  for (const byte of Buffer.from(text, 'utf8')) crc = crc16Byte(crc, byte);
  return crc;
}

/** Four hexadecimal digits, upper-case, leading zeros kept. */
export function formatCrc(crc: number): string {
  return crc.toString(16).toUpperCase().padStart(4, '0');
}
