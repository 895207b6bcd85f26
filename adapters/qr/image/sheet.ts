/** Codes to be printed: many to a page of SVG, each with its captions. */
import type { QrMatrix } from './matrix.ts';
import { svgPath } from './svg.ts';

export interface SheetCode {
  readonly matrix: QrMatrix;
  /** Below the code, the first one large. Longer ones are drawn narrower. */
  readonly captions: readonly string[];
}

export interface SheetLayout {
  readonly columns: number;
  readonly rows: number;
}

/** A4, in millimetres. */
const PAGE = { width: 210, height: 297, margin: 12 } as const;
/** Height of captions below a code, and between two lines. */
const CAPTIONS = { height: 16, large: 4.6, small: 3.4, line: 4.8 } as const;
/** Light squares around each code (ISO/IEC 18004, 5.3.8). */
const QUIET_ZONE = 4;
/** About how wide a character of the font is, in its own height: wider captions are squeezed to fit. */
const CHARACTER_WIDTH = 0.58;

/** One text for each page, in the order of the codes. */
export function toSheets(codes: readonly SheetCode[], { columns, rows }: SheetLayout): readonly string[] {
  const perPage = columns * rows;
  const pages = Array.from({ length: Math.ceil(codes.length / perPage) }, (_, page) =>
    codes.slice(page * perPage, (page + 1) * perPage),
  );
  return pages.map((onPage) => toPage(onPage, columns, rows));
}

function toPage(codes: readonly SheetCode[], columns: number, rows: number): string {
  const width = (PAGE.width - 2 * PAGE.margin) / columns;
  const height = (PAGE.height - 2 * PAGE.margin) / rows;
  const cells = codes.map((code, index) => {
    const left = PAGE.margin + (index % columns) * width;
    const top = PAGE.margin + Math.floor(index / columns) * height;
    return toCell(code, { left, top, width, height });
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PAGE.width} ${PAGE.height}" width="${PAGE.width}mm" ` +
    `height="${PAGE.height}mm" font-family="sans-serif" text-anchor="middle">\n` +
    `<path fill="#fff" d="M0 0h${PAGE.width}v${PAGE.height}H0z"/>\n${cells.join('')}</svg>\n`
  );
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function toCell({ matrix, captions }: SheetCode, { left, top, width, height }: Box): string {
  const side = Math.min(width, height - CAPTIONS.height);
  const squares = matrix.size + 2 * QUIET_ZONE;
  const scale = side / squares;
  const middle = left + width / 2;
  const symbol =
    `<path transform="translate(${round(middle - side / 2)} ${round(top)}) scale(${round(scale)})" ` +
    `shape-rendering="crispEdges" d="${svgPath(matrix, QUIET_ZONE, QUIET_ZONE)}"/>\n`;
  const lines = captions.map((caption, index) => {
    const size = index === 0 ? CAPTIONS.large : CAPTIONS.small;
    const y = round(top + side + CAPTIONS.line * (index + 0.8));
    const isWide = [...caption].length * size * CHARACTER_WIDTH > width;
    const fit = isWide ? ` textLength="${round(width * 0.95)}" lengthAdjust="spacingAndGlyphs"` : '';
    return `<text x="${round(middle)}" y="${y}" font-size="${size}"${fit}>${escaped(caption)}</text>\n`;
  });
  return symbol + lines.join('');
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
