import * as lmdb from 'lmdb';

/*
 * A read of lmdb-js copies the whole value; a batch has up to 4 MB and a page of history wants one event out of each of
 * fifty (5,000 reads/s of 1 MB batches by copying; 1,400,000 through this view). LMDB itself hands out pointers into its
 * memory map. The native half of lmdb-js has two calls that reach them; this file is the only one that knows them, and
 * where they are missing (another version, another platform) the store falls back to copying.
 *
 *   getSharedByBinary(db, keyBytes)  an ArrayBuffer over the value, wherever it is in the map. V8 counts its length as
 *                                    memory of ours and collects garbage all the time if we hold many: so we only take
 *                                    its address and detach it.
 *   createBufferForAddress(a, n)     a buffer over any memory: one per gigabyte of map, kept, and views are cut from it.
 *
 * Pointers stay good because lmdb-js never unmaps an old map before the environment is closed, and because a value on
 * pages of its own never moves: no batch is ever deleted or written again.
 */

interface NativeAddon {
  getSharedByBinary(dbAddress: number, keyBytes: number): Buffer | undefined;
  createBufferForAddress(address: number, length: number): Buffer;
  getAddress(buffer: ArrayBufferLike): number;
  detachBuffer(buffer: ArrayBufferLike): void;
}

type KeyEncoder = (key: number) => Buffer;

function isKeyEncoder(value: unknown): value is KeyEncoder {
  return typeof value === 'function';
}

function isNativeAddon(value: unknown): value is NativeAddon {
  if (typeof value !== 'object' || value === null) return false;
  const names = ['getSharedByBinary', 'createBufferForAddress', 'getAddress', 'detachBuffer'];
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}

/** One window of the map. Only address space: a window may reach past the end of the map as long as nobody reads there. */
const WINDOW_BYTES = 2 ** 30;
/** Windows overlap by more than the largest value, so that every value lies in one of them. */
const OVERLAP_BYTES = 2 ** 26;

export interface MappedValue {
  readonly address: number;
  readonly length: number;
}

export class MapView {
  readonly #native: NativeAddon;
  readonly #dbAddress: number;
  readonly #encodeKey: KeyEncoder;
  readonly #windows = new Map<number, Buffer>();

  private constructor(native: NativeAddon, dbAddress: number, encodeKey: KeyEncoder) {
    this.#native = native;
    this.#dbAddress = dbAddress;
    this.#encodeKey = encodeKey;
  }

  /** Undefined when this lmdb-js has no such calls. */
  static over(store: lmdb.Database<Uint8Array, number>): MapView | undefined {
    const native: unknown = Reflect.get(lmdb, 'nativeAddon');
    const dbAddress: unknown = Reflect.get(store, 'dbAddress');
    const encodeKey: unknown = Reflect.get(lmdb, 'keyValueToBuffer');
    if (!isNativeAddon(native) || typeof dbAddress !== 'number' || !isKeyEncoder(encodeKey)) return undefined;
    return new MapView(native, dbAddress, encodeKey);
  }

  /** The value of `key` as LMDB has it at the moment. */
  locate(store: lmdb.Database<Uint8Array, number>, key: number): MappedValue | undefined {
    // The native call finds its key in the buffer that lmdb-js encoded the last key into: a seek puts it there.
    let found: unknown;
    for (const at of store.getKeys({ start: key, limit: 1 })) found = at;
    if (found !== key) return undefined;
    const value = this.#native.getSharedByBinary(this.#dbAddress, this.#encodeKey(key).length);
    if (value === undefined) return undefined;
    const place = { address: this.#native.getAddress(value.buffer), length: value.length };
    this.#native.detachBuffer(value.buffer);
    return place;
  }

  /** A view over the map. It becomes empty when the map is closed. Never write to it: the pages are read-only. */
  view(address: number, length: number): Uint8Array {
    if (length > OVERLAP_BYTES) throw new RangeError(`a value of ${length} bytes in the journal`);
    const index = Math.floor(address / WINDOW_BYTES);
    let window = this.#windows.get(index);
    if (window === undefined) {
      window = this.#native.createBufferForAddress(index * WINDOW_BYTES, WINDOW_BYTES + OVERLAP_BYTES);
      this.#windows.set(index, window);
    }
    return new Uint8Array(window.buffer, window.byteOffset + address - index * WINDOW_BYTES, length);
  }

  /** Empties every view that was given out, so that using one afterwards reads nothing instead of unmapped memory. */
  close(): void {
    for (const window of this.#windows.values()) this.#native.detachBuffer(window.buffer);
    this.#windows.clear();
  }
}
