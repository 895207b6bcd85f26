// Symbols in each format are read again by another library, as the same text; pictures are bounded.
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import qrcode from 'qrcode-generator';
import { describe, expect, it } from 'vitest';
import { makeMatrix, QUIET_ZONE, type QrMatrix, SYMBOL_BYTES_MAX } from '../../../../adapters/qr/image/matrix.ts';
import { IMAGE_BYTES_MAX, readPng, toPng } from '../../../../adapters/qr/image/png.ts';
import { svgPath, toSvg } from '../../../../adapters/qr/image/svg.ts';
import { toTerminal } from '../../../../adapters/qr/image/terminal.ts';
import { KNOWN_CONSUMER, KNOWN_PAYLOADS } from '../codec/known-payloads.ts';

const TEXTS = [
  ...KNOWN_PAYLOADS.map(({ text }) => text),
  KNOWN_CONSUMER,
  '100000000000000000',
  'upi://pay?pa=a@b&pn=A',
];

function matrixOf(text: string): QrMatrix {
  const made = makeMatrix(text);
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

function pngOf(text: string, scale: number): Buffer {
  const made = toPng(matrixOf(text), scale);
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

/** Reads squares, each drawn as so many pixels in both directions. */
function scan(squares: readonly (readonly boolean[])[], scale = 4): string | undefined {
  const width = (squares[0]?.length ?? 0) * scale;
  const height = squares.length * scale;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at++) {
    const row = Math.floor(at / width / scale);
    const column = Math.floor((at % width) / scale);
    if (squares[row]?.[column]) pixels.fill(0, at * 4, at * 4 + 3);
  }
  const found = jsqr.default(pixels, width, height, { inversionAttempts: 'dontInvert' });
  return found === null ? undefined : Buffer.from(found.binaryData).toString('utf8');
}

describe.each(TEXTS)('%s', (text) => {
  it.each([1, 2, 5, 8])('is the same out of a PNG with %d pixels to a square', (scale) => {
    if (scale === 1) return expect(PNG.sync.read(pngOf(text, 1)).width).toBe(matrixOf(text).size + 2 * QUIET_ZONE);
    expect(readPng(pngOf(text, scale))).toEqual({ ok: true, value: text });
  });

  it('is the same out of an SVG', () => {
    const { size } = matrixOf(text);
    const drawing = toSvg(matrixOf(text), 8);
    const side = size + 2 * QUIET_ZONE;
    expect(drawing).toContain(`viewBox="0 0 ${side} ${side}" width="${side * 8}"`);
    const squares = Array.from({ length: side }, () => Array<boolean>(side).fill(false));
    const dark = drawing.slice(drawing.lastIndexOf('d="'));
    for (const [, x, y, width] of dark.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
      squares[Number(y)]!.fill(true, Number(x), Number(x) + Number(width));
    }
    expect(scan(squares)).toBe(text);
  });

  it('is the same out of a terminal, with colours and without', () => {
    for (const hasColours of [true, false]) {
      const lines = toTerminal(matrixOf(text), hasColours).trimEnd().split('\n');
      const bare = lines.map((line) => line.replaceAll('\u001b[30;107m', '').replaceAll('\u001b[0m', ''));
      const squares = bare.flatMap((line) => {
        const ink = (blocks: string): boolean[] => [...line].map((block) => blocks.includes(block) === hasColours);
        return [ink('█▀'), ink('█▄')];
      });
      // A quiet zone on all four sides; the last line may have half a row more.
      expect(squares.slice(0, QUIET_ZONE).flat()).not.toContain(true);
      expect(squares.at(-QUIET_ZONE)).not.toContain(true);
      expect(
        squares.every((row) => !row.slice(0, QUIET_ZONE).includes(true) && !row.slice(-QUIET_ZONE).includes(true)),
      ).toBe(true);
      expect(scan(squares)).toBe(text);
    }
  });
});

describe('a symbol', () => {
  it('holds so many bytes and no more', () => {
    expect(matrixOf('x'.repeat(SYMBOL_BYTES_MAX)).size).toBe(177);
    expect(makeMatrix('x'.repeat(SYMBOL_BYTES_MAX + 1))).toMatchObject({ ok: false, error: { code: 'tooLong' } });
    expect(makeMatrix('é'.repeat(SYMBOL_BYTES_MAX / 2 + 1))).toMatchObject({ ok: false, error: { code: 'tooLong' } });
  });

  it('is drawn where the page wants it', () => {
    const matrix: QrMatrix = { size: 2, isDark: (row, column) => row === 0 || column === 1 };
    expect(svgPath(matrix, 10, 20)).toBe('M10 20h2v1h-2zM11 21h1v1h-1z');
  });

  it('is not drawn larger than an image may be', () => {
    expect(toPng(matrixOf('x'), 138)).toMatchObject({ ok: false, error: { code: 'imageTooLarge' } });
    expect(toPng(matrixOf('x'), 137).ok).toBe(true);
  });
});

/** An image in colour; the function says what a pixel is: red, green, blue, alpha. */
function picture(width: number, height: number, pixel: (x: number, y: number) => readonly number[]): Buffer {
  const image = new PNG({ width, height });
  for (let at = 0; at < width * height; at++) image.data.set(pixel(at % width, Math.floor(at / width)), at * 4);
  return PNG.sync.write(image);
}

describe('a picture', () => {
  const text = KNOWN_PAYLOADS[3]!.text;
  const matrix = matrixOf(text);
  const isInk = (x: number, y: number, scale: number): boolean => {
    const row = Math.floor(y / scale) - QUIET_ZONE;
    const column = Math.floor(x / scale) - QUIET_ZONE;
    return row >= 0 && column >= 0 && row < matrix.size && column < matrix.size && matrix.isDark(row, column);
  };
  const side = (matrix.size + 2 * QUIET_ZONE) * 4;

  it.each<readonly [what: string, ink: readonly number[], paper: readonly number[]]>([
    ['in colour', [20, 0, 120, 255], [255, 250, 200, 255]],
    ['with transparent paper', [0, 0, 0, 255], [0, 0, 0, 0]],
    ['white on black', [255, 255, 255, 255], [0, 0, 0, 255]],
  ])('%s', (_, ink, paper) => {
    expect(readPng(picture(side, side, (x, y) => (isInk(x, y, 4) ? ink : paper)))).toEqual({ ok: true, value: text });
  });

  it('of many pixels is made smaller first', () => {
    const scale = Math.floor(3900 / (matrix.size + 2 * QUIET_ZONE));
    expect(readPng(pngOf(text, scale))).toEqual({ ok: true, value: text });
  });

  it.each<readonly [what: string, file: Buffer, code: string]>([
    ['of nothing', picture(100, 100, () => [255, 255, 255, 255]), 'noCodeInImage'],
    ['of one line', picture(3_000_000, 1, () => [0, 0, 0, 255]), 'noCodeInImage'],
    ['of one pixel', picture(1, 1, () => [0, 0, 0, 255]), 'noCodeInImage'],
    ['that is empty', Buffer.alloc(0), 'badImage'],
    ['that is text', Buffer.from('hello '.repeat(20)), 'badImage'],
    ['that is cut', pngOf(text, 4).subarray(0, 200), 'badImage'],
    ['with a changed byte', changed(pngOf(text, 4), 100, 0x55), 'badImage'],
    ['that claims to be large', sized(pngOf(text, 4), 4001, 4000), 'imageTooLarge'],
    ['that claims to be huge', sized(pngOf(text, 4), 0xffffffff, 0xffffffff), 'imageTooLarge'],
    ['that claims to be empty', sized(pngOf(text, 4), 0, 10), 'badImage'],
    ['of a file too large', Buffer.alloc(IMAGE_BYTES_MAX + 1), 'imageTooLarge'],
    ['of a code that is no UTF-8', latin1Symbol(), 'badImage'],
  ])('%s is refused', (_, file, code) => {
    expect(readPng(file)).toMatchObject({ ok: false, error: { code } });
  });
});

it('a picture that is interlaced is not even unpacked', () => {
  const error = readPng(changed(pngOf('x', 4), 28, 1));
  expect(error).toMatchObject({
    ok: false,
    error: { code: 'badImage', message: expect.stringContaining('interlaced') },
  });
});

function changed(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file);
  copy[at] = value;
  return copy;
}

function sized(file: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt32BE(width, 16);
  copy.writeUInt32BE(height, 20);
  return copy;
}

/** A symbol of the byte FF alone, drawn by the library itself. */
function latin1Symbol(): Buffer {
  const symbol = qrcode(1, 'M');
  symbol.addData('\u00ff', 'Byte');
  symbol.make();
  const made = toPng({ size: symbol.getModuleCount(), isDark: (row, column) => symbol.isDark(row, column) }, 4);
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}
