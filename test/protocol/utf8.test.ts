import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUtf8 } from '../../protocol/utf8.ts';

function byDecoder(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe('isUtf8', () => {
  it('agrees with the decoder of the platform on every two-byte text and every lead with its neighbours', () => {
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) {
        for (const tail of [[], [0x80], [0x80, 0xbf], [0x41, 0x80]]) {
          const bytes = Uint8Array.from([a, b, ...tail]);
          if (isUtf8(bytes) !== byDecoder(bytes)) expect.fail(`differs on ${bytes}`);
        }
      }
    }
  });

  it('agrees on any bytes, and looks at its range only', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.string({ unit: 'binary' }).map((s) => new TextEncoder().encode(s)),
    );
    fc.assert(
      fc.property(part, part, part, (before, bytes, after) => {
        const whole = Uint8Array.from([...before, ...bytes, ...after]);
        expect(isUtf8(whole, before.length, before.length + bytes.length)).toBe(byDecoder(bytes));
      }),
    );
  });
});
