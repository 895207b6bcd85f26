/** A buffer with `events` events of `eventBytes` each after room for the header, filled from `seed`. */
export function makeBatch(events: number, eventBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(128 + events * eventBytes);
  const view = new DataView(bytes.buffer);
  for (let at = 128, n = 0; at < bytes.length; at += eventBytes, n++) {
    bytes.fill((seed * 31 + n) & 0xff, at, at + eventBytes);
    view.setUint8(at, 1);
    view.setUint8(at + 1, 0);
    view.setUint16(at + 2, 0, true);
    view.setUint32(at + 4, eventBytes, true);
    view.setUint32(at + 8, seed, true);
    view.setUint32(at + 12, 0, true);
  }
  return bytes;
}
