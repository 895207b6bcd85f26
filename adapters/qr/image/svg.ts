/** QR symbols as SVG: one path each, so that a page holds many. */
import { type QrMatrix, QUIET_ZONE } from './matrix.ts';

/**
 * The dark squares as data of a path, one unit to a square. Neighbours in a row are one rectangle, so that no hairlines
 * show between them.
 * @param left where the symbol begins, quiet zone not counted
 */
export function svgPath({ size, isDark }: QrMatrix, left: number, top: number): string {
  let data = '';
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; ) {
      let length = 0;
      while (column + length < size && isDark(row, column + length)) length++;
      if (length > 0) data += `M${left + column} ${top + row}h${length}v1h-${length}z`;
      column += Math.max(length, 1);
    }
  }
  return data;
}

/** A whole drawing of one symbol with its quiet zone. @param scale pixels to a square, where the page does not say otherwise */
export function toSvg(matrix: QrMatrix, scale: number): string {
  const size = matrix.size + 2 * QUIET_ZONE;
  const pixels = size * scale;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${pixels}" height="${pixels}" ` +
    'shape-rendering="crispEdges">' +
    `<path fill="#fff" d="M0 0h${size}v${size}H0z"/>` +
    `<path d="${svgPath(matrix, QUIET_ZONE, QUIET_ZONE)}"/></svg>\n`
  );
}
