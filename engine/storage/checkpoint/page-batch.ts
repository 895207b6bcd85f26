/** Collects pages and writes them in transactions of a bounded size. */
import { PAGE_BYTES_MAX } from '../index/page.ts';
import type { PageSink } from '../index/segment-writer.ts';
import type { IndexEnvironment } from './environment.ts';

/** 8 MB of pages a transaction. */
const PAGES_PER_TRANSACTION = 1024;
/** Room to begin with: most updates write little. */
const PAGES_AT_FIRST = 16;

export class PageBatch implements PageSink {
  readonly #environment: IndexEnvironment;
  #bytes = Buffer.alloc(PAGES_AT_FIRST * PAGE_BYTES_MAX);
  readonly #keys = new Float64Array(PAGES_PER_TRANSACTION);
  readonly #lengths = new Uint32Array(PAGES_PER_TRANSACTION);
  #count = 0;

  constructor(environment: IndexEnvironment) {
    this.#environment = environment;
  }

  put(key: number, bytes: Uint8Array): void {
    if (this.#count * PAGE_BYTES_MAX === this.#bytes.length) this.#grow();
    this.#bytes.set(bytes, this.#count * PAGE_BYTES_MAX);
    this.#keys[this.#count] = key;
    this.#lengths[this.#count] = bytes.length;
    if (++this.#count === PAGES_PER_TRANSACTION) this.flush();
  }

  /** Writes what is left. */
  flush(): void {
    if (this.#count === 0) return;
    this.#environment.transaction(() => {
      for (let i = 0; i < this.#count; i++) {
        const at = i * PAGE_BYTES_MAX;
        const bytes = this.#bytes.subarray(at, at + (this.#lengths[i] as number));
        this.#environment.pages.putSync(this.#keys[i] as number, bytes);
      }
    });
    this.#count = 0;
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  /** Forgets what was not written. */
  discard(): void {
    this.#count = 0;
  }
}
