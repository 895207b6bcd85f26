/** UTF-8 without allocation: what the decoders of both sides accept as text. */

/** Whether `bytes[start … end)` is well-formed UTF-8 (RFC 3629: no overlong forms, surrogates or values past 10FFFF). */
export function isUtf8(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at] as number;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const width =
      lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (width === 0 || at + width > end) return false;
    // Only the second byte has a narrower range than 80 … BF, and only after four of the leads (RFC 3629 section 4).
    const second = bytes[at + 1] as number;
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return false;
    for (let next = at + 2; next < at + width; next++) {
      if (((bytes[next] as number) & 0xc0) !== 0x80) return false;
    }
    at += width;
  }
  return true;
}
