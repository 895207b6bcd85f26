/** QR symbols as PNG, and payment codes out of PNG. */
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { type QrResult, refuse } from '../codec/findings.ts';
import { type QrMatrix, QUIET_ZONE } from './matrix.ts';

/** Pixels of an image, written or read: larger ones take memory and time, and no code needs them. */
export const PIXELS_MAX = 16_000_000;
/** Bytes of a file that is read. */
export const IMAGE_BYTES_MAX = 8 * 1024 * 1024;

/** Pixels that are searched for a code. */
const SEARCHED_PIXELS_MAX = 2_000_000;

/** Squares in a row of the smallest symbol. */
const SYMBOL_SIZE_MIN = 21;

const GREY = 0;
const WHITE = 255;
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Where the first chunk, IHDR, has what (PNG, 11.2.1). */
const IHDR = { name: 12, width: 16, height: 20, interlace: 28, end: 33 } as const;

/** A PNG with its quiet zone. @param scale pixels to a square */
export function toPng({ size, isDark }: QrMatrix, scale: number): QrResult<Buffer> {
  const width = (size + 2 * QUIET_ZONE) * scale;
  if (width * width > PIXELS_MAX) {
    const message = `${width} × ${width} pixels are more than ${PIXELS_MAX}: use a smaller scale`;
    return refuse('imageTooLarge', '', 0, message);
  }
  const image = new PNG({ width, height: width, colorType: GREY, inputColorType: GREY, bitDepth: 8 });
  const pixels = Buffer.alloc(width * width, WHITE);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (!isDark(row, column)) continue;
      const left = (column + QUIET_ZONE) * scale;
      for (let line = (row + QUIET_ZONE) * scale; line < (row + QUIET_ZONE + 1) * scale; line++) {
        pixels.fill(0, line * width + left, line * width + left + scale);
      }
    }
  }
  image.data = pixels;
  return { ok: true, value: PNG.sync.write(image, { colorType: GREY, inputColorType: GREY, bitDepth: 8 }) };
}

/** The text of the QR code in a PNG image. Bounds are checked before anything is unpacked. */
export function readPng(file: Uint8Array): QrResult<string> {
  if (file.length > IMAGE_BYTES_MAX) {
    const message = `the file has ${file.length} bytes; ${IMAGE_BYTES_MAX} are most`;
    return refuse('imageTooLarge', '', 0, message);
  }
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const isPng =
    bytes.length >= IHDR.end &&
    bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE) &&
    bytes.toString('latin1', IHDR.name, IHDR.name + 4) === 'IHDR';
  if (!isPng) return refuse('badImage', '', 0, 'the file is not a PNG image');
  const width = bytes.readUInt32BE(IHDR.width);
  const height = bytes.readUInt32BE(IHDR.height);
  if (width * height > PIXELS_MAX) {
    const message = `the image has ${width} × ${height} pixels; ${PIXELS_MAX} are most`;
    return refuse('imageTooLarge', '', 0, message);
  }
  // The library bounds what it unpacks by the size of the image, but not for interlaced ones.
  if (bytes[IHDR.interlace] !== 0)
    return refuse('badImage', '', 0, 'interlaced PNG images are not read; save it without');
  return readPixels(bytes);
}

function readPixels(bytes: Buffer): QrResult<string> {
  let image: PNG;
  try {
    image = PNG.sync.read(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse('badImage', '', 0, `the PNG image cannot be read: ${why}`);
  }
  const pixels = reduce(image);
  const found = findSymbol(pixels) ?? findSymbol(invert(pixels));
  if (found === null) {
    return refuse(
      'noCodeInImage',
      '',
      0,
      'no QR code was found in the image: it needs a white margin and sharp squares',
    );
  }
  try {
    return {
      ok: true,
      value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(found.binaryData)),
    };
  } catch {
    return refuse('badImage', '', 0, 'the QR code in the image does not hold UTF-8 text');
  }
}

/** The library is not ours, and pictures are anybody's: what it throws means that it found nothing. */
function findSymbol({ data, width, height }: Pixels): { readonly binaryData: readonly number[] } | null {
  if (width < SYMBOL_SIZE_MIN || height < SYMBOL_SIZE_MIN) return null;
  try {
    return jsqr.default(data, width, height, { inversionAttempts: 'dontInvert' });
  } catch {
    return null;
  }
}

interface Pixels {
  /** Red, green, blue, alpha. */
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Averages squares of pixels until so few are left that the search ends in seconds, whatever the image shows. */
function reduce({ data, width, height }: PNG): Pixels {
  const factor = Math.ceil(Math.sqrt((width * height) / SEARCHED_PIXELS_MAX));
  const columns = Math.floor(width / factor);
  const rows = Math.floor(height / factor);
  const grey = new Uint8ClampedArray(columns * rows * 4).fill(WHITE);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let line = row * factor; line < (row + 1) * factor; line++) {
        const from = (line * width + column * factor) * 4;
        for (let at = from; at < from + factor * 4; at += 4) sum += greyOf(data, at);
      }
      grey.fill(sum / (factor * factor), (row * columns + column) * 4, (row * columns + column) * 4 + 3);
    }
  }
  return { data: grey, width: columns, height: rows };
}

/** White on black, as dark screens show codes. The library's own reversal misses those with a plain background. */
function invert({ data, width, height }: Pixels): Pixels {
  return { data: data.map((value, at) => ((at & 3) === 3 ? value : WHITE - value)), width, height };
}

/** Luma (ITU-R BT.601) of a pixel; where it is transparent the paper below shows, which is white. */
function greyOf(rgba: Uint8Array, at: number): number {
  const [red = 0, green = 0, blue = 0, alpha = WHITE] = [rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]];
  return WHITE - ((WHITE - (0.299 * red + 0.587 * green + 0.114 * blue)) * alpha) / WHITE;
}
