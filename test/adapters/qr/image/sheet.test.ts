// Sheets: as many pages as are needed, each code whole and where it belongs, captions as text.
import { describe, expect, it } from 'vitest';
import { makeMatrix } from '../../../../adapters/qr/image/matrix.ts';
import { toSheets } from '../../../../adapters/qr/image/sheet.ts';
import { svgPath } from '../../../../adapters/qr/image/svg.ts';

const made = makeMatrix('00020101021126390014com.sluice.pay');
const matrix = made.ok ? made.value : undefined;
const code = (...captions: string[]) => ({ matrix: matrix!, captions });
const places = (page: string) =>
  [...page.matchAll(/translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)/g)].map((match) => match.slice(1).map(Number));

describe('sheets', () => {
  it('have the codes in order, as many to a page as fit', () => {
    const pages = toSheets(
      Array.from({ length: 13 }, (_, n) => code(`shop ${n}`)),
      { columns: 3, rows: 2 },
    );
    expect(pages.map((page) => places(page).length)).toEqual([6, 6, 1]);
    expect(pages[1]).toContain('>shop 6</text>');
    expect(pages[2]).toContain('>shop 12</text>');
    expect(toSheets([], { columns: 3, rows: 2 })).toEqual([]);
  });

  it.each([
    [1, 1],
    [3, 4],
    [8, 10],
  ])('keep every code on the page, apart from each other and with its quiet zone: %i × %i', (columns, rows) => {
    const [page = ''] = toSheets(
      Array.from({ length: columns * rows }, () => code('a', 'b', 'c')),
      { columns, rows },
    );
    const side = (scale: number) => (matrix!.size + 8) * scale;
    const boxes = places(page).map(([left = 0, top = 0, scale = 0]) => ({ left, top, side: side(scale) }));
    expect(boxes).toHaveLength(columns * rows);
    for (const [index, { left, top, side: length }] of boxes.entries()) {
      expect(left >= 0 && top >= 0 && left + length <= 210 && top + length <= 297).toBe(true);
      const right = boxes[index + 1];
      if (right !== undefined && right.top === top) expect(right.left).toBeGreaterThanOrEqual(left + length - 0.01);
    }
    expect(page).toContain(`d="${svgPath(matrix!, 4, 4)}"`);
  });

  it('write captions as text, whatever is in them, and squeeze those that are too wide', () => {
    const [page = ''] = toSheets([code('<Tea> & "Co"', 'x'.repeat(64))], { columns: 3, rows: 4 });
    expect(page).toContain('>&lt;Tea&gt; &amp; &quot;Co&quot;</text>');
    expect(page).toMatch(/textLength="[\d.]+" lengthAdjust="spacingAndGlyphs">x{64}</);
    expect(page.match(/textLength/g)).toHaveLength(1);
  });
});
