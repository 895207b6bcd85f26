/** A key in memory: it can be used, and shows nothing of itself as text, as JSON or when it is inspected. */
import { copyOf } from '../bytes.ts';
import type { Tr31Header } from '../tr31/header.ts';
import { checkValue } from '../tr31/key-block.ts';
import { TripleDes } from '../triple-des.ts';

/** What may be told of a key. */
export interface KeyInfo {
  readonly id: string;
  /** Usage code of ANSI X9.143, such as `E0`. */
  readonly usage: string;
  readonly algorithm: string;
  readonly mode: string;
  /** Check value, for people who compare keys; absent for algorithms that have none. */
  readonly checkValue: string | undefined;
}

export class SecretKey {
  readonly info: KeyInfo;
  readonly #bytes: Uint8Array;
  #cipher: TripleDes | undefined;

  /** Copies the key. */
  constructor(id: string, header: Tr31Header, key: Uint8Array) {
    const { usage, algorithm, mode } = header;
    this.info = Object.freeze({ id, usage, algorithm, mode, checkValue: checkValue(algorithm, key) });
    this.#bytes = copyOf(key);
  }

  /** How long the key is. */
  get bytes(): number {
    return this.#bytes.length;
  }

  /** Lends the key for one operation; what is called keeps and returns nothing of it. */
  use<T>(operation: (key: Uint8Array) => T): T {
    return operation(this.#bytes);
  }

  /** The key made ready for triple DES, once: a MAC has no time for it. Of a key of 8, 16 or 24 bytes. */
  get cipher(): TripleDes {
    this.#cipher ??= new TripleDes(this.#bytes);
    return this.#cipher;
  }

  /** Overwrites the key. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#cipher?.wipe();
  }
}
