/**
 * A copy of a table's columns, made piece by piece while the table goes on changing. It shows the table as it was when the copy
 * began:
 *
 *     0 ───── copied in bulk ───── next ───── not yet ───── count ───── added since
 *                                    └ a row that is about to change is saved; when the bulk copy comes by, it is put right
 *
 * A copy of everything at once stopped the partition for 0.1 to 0.7 s at 2 to 5 million accounts. Most of that was the system
 * giving memory page by page (100 MB: 67 ms, and 9 ms the second time), so the memory of a copy is kept and used again.
 */

export type ColumnArray = Uint32Array | Float64Array | Uint16Array | Uint8Array;

export interface Column {
  readonly array: ColumnArray;
  /** Values of a row. */
  readonly width: number;
  /** The values of a row stay as they were when it was added: nothing has to be saved. */
  readonly isFixed?: boolean;
}

/** A column that changes, and its copy. */
interface Changing extends Column {
  readonly copy: ColumnArray;
}

/** Rows that are copied and put right together, in the processor's cache: 100 KB. A power of two. */
const BLOCK_ROWS = 1024;
/** Saved rows of one piece of memory. */
const CHUNK_ROWS = 4096;

export class TableCopy {
  #columns: readonly Column[] = [];
  #copies: ColumnArray[] = [];
  #changing: Changing[] = [];
  /** First row that was not copied, and the end of the rows to be copied. */
  #next = 0;
  #count = 0;
  /** One bit a row. */
  #isSaved = new Uint32Array(0);
  /** By block: number of the row saved last, + 1. */
  #lastOfBlock = new Uint32Array(0);
  /** Saved rows: [row, saved before in the same block (number + 1), values of all columns that change]. */
  readonly #chunks: Float64Array[] = [];
  #saved = 0;
  #rowValues = 2;

  /** Begins a copy of the first `count` rows. The arrays of the columns stay the same until it is done. */
  begin(columns: readonly Column[], count: number): void {
    this.#columns = columns;
    this.#copies = columns.map(({ array }, index) => {
      const kept = this.#copies[index];
      return kept?.constructor === array.constructor && kept.length >= array.length ? kept : sharedLike(array);
    });
    this.#changing = columns.flatMap((column, index) => {
      return column.isFixed === true ? [] : { ...column, copy: this.#copies[index] as ColumnArray };
    });
    const rowValues = this.#changing.reduce((sum, { width }) => sum + width, 2);
    if (rowValues !== this.#rowValues) this.#chunks.length = 0;
    this.#rowValues = rowValues;
    this.#next = 0;
    this.#count = count;
    this.#saved = 0;
    const words = Math.ceil(count / 32);
    if (this.#isSaved.length < words) this.#isSaved = new Uint32Array(words * 2);
    else this.#isSaved.fill(0, 0, words);
    const blocks = Math.ceil(count / BLOCK_ROWS);
    if (this.#lastOfBlock.length < blocks) this.#lastOfBlock = new Uint32Array(blocks * 2);
    else this.#lastOfBlock.fill(0, 0, blocks);
  }

  get isDone(): boolean {
    return this.#next >= this.#count;
  }

  /** Call before a row changes. Costs two comparisons when no copy is under way. */
  before(row: number): void {
    if (row < this.#next || row >= this.#count) return;
    const word = row >>> 5;
    const bit = 1 << (row & 31);
    const bits = this.#isSaved[word] as number;
    if ((bits & bit) !== 0) return;
    this.#isSaved[word] = bits | bit;
    this.#save(row);
  }

  /** Copies the next rows, `rows` of them or a few more. Returns how many there were. */
  advance(rows: number): number {
    const from = this.#next;
    const to = Math.min(this.#count, from + Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS);
    if (to <= from) return 0;
    for (let row = from; row < to; row += BLOCK_ROWS) this.#copyBlock(row, Math.min(to, row + BLOCK_ROWS));
    this.#next = to;
    return to - from;
  }

  /** The copied columns, in their order: on SharedArrayBuffers, and good until the next copy begins. */
  take(): Uint8Array[] {
    if (!this.isDone) throw new Error('the copy is not done');
    return this.#columns.map(({ array, width }, index) => {
      const { buffer } = this.#copies[index] as ColumnArray;
      return new Uint8Array(buffer, 0, this.#count * width * array.BYTES_PER_ELEMENT);
    });
  }

  #copyBlock(from: number, to: number): void {
    for (let index = 0; index < this.#columns.length; index++) {
      const { array, width } = this.#columns[index] as Column;
      this.#copies[index]?.set(array.subarray(from * width, to * width) as never, from * width);
    }
    this.#putRight(from / BLOCK_ROWS);
  }

  #save(row: number): void {
    const number = this.#saved++;
    const chunk = this.#chunkOf(number);
    let at = (number % CHUNK_ROWS) * this.#rowValues;
    const block = Math.floor(row / BLOCK_ROWS);
    chunk[at++] = row;
    chunk[at++] = this.#lastOfBlock[block] as number;
    this.#lastOfBlock[block] = number + 1;
    for (let index = 0; index < this.#changing.length; index++) {
      const { array, width } = this.#changing[index] as Changing;
      for (let value = row * width; value < (row + 1) * width; value++) chunk[at++] = array[value] as number;
    }
  }

  #putRight(block: number): void {
    let saved = this.#lastOfBlock[block] as number;
    while (saved !== 0) {
      const chunk = this.#chunkOf(saved - 1);
      let at = ((saved - 1) % CHUNK_ROWS) * this.#rowValues;
      const row = chunk[at++] as number;
      saved = chunk[at++] as number;
      for (let index = 0; index < this.#changing.length; index++) {
        const { copy, width } = this.#changing[index] as Changing;
        for (let value = row * width; value < (row + 1) * width; value++) copy[value] = chunk[at++] as number;
      }
    }
  }

  #chunkOf(number: number): Float64Array {
    const index = Math.floor(number / CHUNK_ROWS);
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = new Float64Array(CHUNK_ROWS * this.#rowValues);
      this.#chunks[index] = chunk;
    }
    return chunk;
  }
}

/** As long as the column, so that it need not be made again as the table fills: pages that are not written take no memory. */
function sharedLike(array: ColumnArray): ColumnArray {
  const buffer = new SharedArrayBuffer(array.byteLength);
  if (array instanceof Float64Array) return new Float64Array(buffer);
  if (array instanceof Uint32Array) return new Uint32Array(buffer);
  return array instanceof Uint16Array ? new Uint16Array(buffer) : new Uint8Array(buffer);
}
