/**
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4) in plain TypeScript, for frames in Node and in browsers.
 *
 * Slicing-by-8: eight table look-ups take eight bytes at once, about four times the speed of one byte at a time.
 */
const POLYNOMIAL_REFLECTED = 0x82f6_3b78;

/** Table k (at k × 256) carries a byte over k further zero bytes. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = entry(tables, at - 256);
    tables[at] = (before >>> 8) ^ entry(tables, before & 0xff);
  }
  return tables;
}

function entry(tables: Int32Array, index: number): number {
  return tables[index] as number;
}

/** The checksum of `bytes[start … end)`, as an unsigned 32-bit number. Allocates nothing. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const t = TABLES;
  let crc = -1;
  let at = start;
  for (const stop = end - 7; at < stop; at += 8) {
    const low = crc ^ word(bytes, at);
    const high = word(bytes, at + 4);
    crc =
      entry(t, 0x700 | (low & 0xff)) ^
      entry(t, 0x600 | ((low >>> 8) & 0xff)) ^
      entry(t, 0x500 | ((low >>> 16) & 0xff)) ^
      entry(t, 0x400 | (low >>> 24)) ^
      entry(t, 0x300 | (high & 0xff)) ^
      entry(t, 0x200 | ((high >>> 8) & 0xff)) ^
      entry(t, 0x100 | ((high >>> 16) & 0xff)) ^
      entry(t, high >>> 24);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ entry(t, (crc ^ (bytes[at] as number)) & 0xff);
  return ~crc >>> 0;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
