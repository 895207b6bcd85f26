/**
 * The tables of DES (FIPS PUB 46-3), and the combined forms that `des.ts` looks up. Bits are numbered as in the standard:
 * bit 1 is the leftmost.
 */

/** The substitutions S1 to S8: four rows each, a hex digit per column. */
const SUBSTITUTIONS = [
  ['e4d12fb83a6c5907', '0f74e2d1a6cb9538', '41e8d62bfc973a50', 'fc8249175b3ea06d'],
  ['f18e6b34972dc05a', '3d47f28ec01a69b5', '0e7ba4d158c6932f', 'd8a13f42b67c05e9'],
  ['a09e63f51dc7b428', 'd709346a285ecbf1', 'd6498f30b12c5ae7', '1ad069874fe3b52c'],
  ['7de3069a1285bc4f', 'd8b56f03472c1ae9', 'a690cb7df13e5284', '3f06a1d8945bc72e'],
  ['2c417ab6853fd0e9', 'eb2c47d150fa3986', '421bad78f9c5630e', 'b8c71e2d6f09a453'],
  ['c1af92680d34e75b', 'af427c9561de0b38', '9ef528c3704a1db6', '432c95fabe17608d'],
  ['4b2ef08d3c975a61', 'd0b7491ae35c2f86', '14bdc37eaf680592', '6bd814a7950fe23c'],
  ['d2846fb1a93e50c7', '1fd8a374c56b0e92', '7b419ce206adf358', '21e74a8dfc90356b'],
] as const;

/** The permutation P after the substitutions. */
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];

/** Permuted choice 1: which key bits make the halves C and D. */
const PC1 = {
  c: [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36],
  d: [63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4],
};

/** Permuted choice 2: which bits of C (1 to 28) and of D (29 to 56) make a round key. */
const PC2 = {
  c: [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2],
  d: [41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32],
};

/** How far C and D turn to the left before each round. */
export const TURNS: readonly number[] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/**
 * Substitution and P in one: entry 64·box + six bits is what the box adds to the other half. Turned left by one, because
 * both halves are kept so during the rounds: every group of six bits is then a shift and a mask away.
 */
export const SUBSTITUTE = substitute();

/** What seven bits of byte k of a key (entry 128·k + bits, the parity bit dropped) give to C, and to D; right-justified. */
export const CHOOSE_C = chooseFirst(PC1.c);
export const CHOOSE_D = chooseFirst(PC1.d);

/**
 * What seven bits of C, or of D, (entry 128·chunk + bits, chunk 0 leftmost) give to a round key: four groups of six bits,
 * a byte each, in the order first, third, second, fourth. So the odd groups of C and D come together by one shift.
 */
export const ROUND_KEY_C = chooseSecond(PC2.c, 0);
export const ROUND_KEY_D = chooseSecond(PC2.d, 28);

function substitute(): Int32Array {
  const table = new Int32Array(512);
  for (const [box, rows] of SUBSTITUTIONS.entries()) {
    for (let six = 0; six < 64; six++) {
      const row = rows[((six >> 4) & 2) | (six & 1)] ?? '';
      const four = Number.parseInt(row.charAt((six >> 1) & 15), 16);
      const before = four << (28 - 4 * box);
      let after = 0;
      for (const [to, from] of P.entries()) after |= ((before >>> (32 - from)) & 1) << (31 - to);
      table[64 * box + six] = (after << 1) | (after >>> 31);
    }
  }
  return table;
}

function chooseFirst(choice: readonly number[]): Int32Array {
  const table = new Int32Array(1024);
  for (const [to, from] of choice.entries()) {
    const byte = (from - 1) >> 3;
    const bit = 6 - ((from - 1) & 7);
    for (let seven = 0; seven < 128; seven++) {
      const at = 128 * byte + seven;
      table[at] = (table[at] ?? 0) | (((seven >> bit) & 1) << (27 - to));
    }
  }
  return table;
}

function chooseSecond(choice: readonly number[], before: number): Int32Array {
  const table = new Int32Array(512);
  const shifts = [24, 8, 16, 0];
  for (const [to, from] of choice.entries()) {
    const index = from - 1 - before;
    const chunk = Math.floor(index / 7);
    const bit = 6 - (index % 7);
    const shift = (shifts[Math.floor(to / 6)] ?? 0) + 5 - (to % 6);
    for (let seven = 0; seven < 128; seven++) {
      const at = 128 * chunk + seven;
      table[at] = (table[at] ?? 0) | (((seven >> bit) & 1) << shift);
    }
  }
  return table;
}
