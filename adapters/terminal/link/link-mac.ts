/**
 * The MAC of a connection: DE64, or DE128 when there is a field above 64, over all bytes of the message before it. The key
 * is one of the vault, until the peer sends another one for this connection (key exchange).
 */
import { toHex } from '../crypto/bytes.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import type { Encoded } from '../iso8583/encode.ts';
import { type Message, WireField } from '../iso8583/message.ts';

export interface MacRules {
  /** Id in the vault. */
  readonly key: string;
  readonly algorithm: 'retail' | 'cmac';
  /** 4: the other half of the field is zeros. */
  readonly bytes: 4 | 8;
  /** Of the retail MAC. */
  readonly padding: 1 | 2;
  /** Id of the key that session keys are wrapped under; without it there is no key exchange. */
  readonly exchangeKey?: string | undefined;
}

const FIELD_BYTES = 8;
const USAGES = { retail: 'M3', cmac: 'M6' } as const;

/** Whether the vault has the keys that a link needs: what is missing, or undefined. */
export async function missingKey(vault: KeyVault, rules: MacRules): Promise<string | undefined> {
  const usage = USAGES[rules.algorithm];
  if ((await vault.find(rules.key, usage)) === undefined) {
    return `the vault has no key "${rules.key}" of usage ${usage}, which ${rules.algorithm} needs`;
  }
  const { exchangeKey } = rules;
  if (exchangeKey === undefined) return undefined;
  const info = (await vault.find(exchangeKey, 'K1')) ?? (await vault.find(exchangeKey, 'K0'));
  return info === undefined ? `the vault has no key "${exchangeKey}" of usage K0 or K1` : undefined;
}

/** A session key that was received and is not in use yet. */
export interface ReceivedKey {
  readonly keyId: string;
  readonly checkValue: string;
}

export class LinkMac {
  readonly #vault: KeyVault;
  readonly #rules: MacRules;
  #current: string;
  /** Still good for what the peer sent before it knew of the current key. */
  #previous: string | undefined;

  constructor(vault: KeyVault, rules: MacRules) {
    this.#vault = vault;
    this.#rules = rules;
    this.#current = rules.key;
  }

  /** Whether a message that was read has its MAC, and the right one. */
  async isRight(message: Message): Promise<boolean> {
    const number = macField(message);
    const wire = message.held(number);
    const field = message.bytes(number);
    if (!(wire instanceof WireField) || field?.length !== FIELD_BYTES) return false;
    const { bytes } = this.#rules;
    for (let at = bytes; at < FIELD_BYTES; at++) if (field[at] !== 0) return false;
    const covered = wire.bytes.subarray(0, wire.head);
    const received = field.subarray(0, bytes);
    if (await this.#matches(this.#current, covered, received)) {
      if (this.#previous !== undefined) await this.#forgetPrevious();
      return true;
    }
    return this.#previous !== undefined && (await this.#matches(this.#previous, covered, received));
  }

  /** The bytes of a message with its MAC. */
  async seal(message: Message): Promise<Encoded> {
    message.delete(64).delete(128);
    const number = macField(message);
    const encoded = message.set(number, new Uint8Array(FIELD_BYTES)).encode();
    if (!encoded.ok) return encoded;
    const { bytes } = encoded;
    const isHex = message.body.fields[number]?.encoding === 'hex';
    const at = bytes.length - (isHex ? 2 * FIELD_BYTES : FIELD_BYTES);
    const result = await this.#vault.mac(this.#request(this.#current, bytes.subarray(0, at)));
    if (!result.ok) {
      return { ok: false, problem: { field: String(number), offset: at, expected: 'a MAC', found: result.problem } };
    }
    const mac = result.mac.subarray(0, this.#rules.bytes);
    if (isHex) bytes.write(toHex(mac), at, 'latin1');
    else bytes.set(mac, at);
    return encoded;
  }

  /** Takes a session key as a key block; a text says why it cannot be used. */
  async receive(block: string): Promise<ReceivedKey | string> {
    const { exchangeKey, algorithm } = this.#rules;
    if (exchangeKey === undefined) return 'this link has no key for the exchange of keys';
    const adopted = await this.#vault.adopt(exchangeKey, block, [USAGES[algorithm]]);
    if (!adopted.ok) return adopted.problem;
    const { id, checkValue = '' } = adopted.info;
    // A key that cannot make the MACs of this link would end it with the next message.
    const trial = await this.#vault.mac(this.#request(id, new Uint8Array(FIELD_BYTES)));
    if (trial.ok) return { keyId: id, checkValue };
    await this.#vault.forget(id);
    return trial.problem;
  }

  /** From now on: MACs are made with this key; the one before is accepted until the first that is made with it comes. */
  async use({ keyId }: ReceivedKey): Promise<void> {
    await this.#forgetPrevious();
    this.#previous = this.#current;
    this.#current = keyId;
  }

  /** Overwrites the session keys. */
  async close(): Promise<void> {
    await this.#forgetPrevious();
    await this.#vault.forget(this.#current);
    this.#current = this.#rules.key;
  }

  async #forgetPrevious(): Promise<void> {
    const previous = this.#previous;
    if (previous === undefined) return;
    this.#previous = undefined;
    await this.#vault.forget(previous);
  }

  async #matches(keyId: string, message: Uint8Array, received: Uint8Array): Promise<boolean> {
    const result = await this.#vault.verifyMac(this.#request(keyId, message), received);
    return result.ok && result.matches;
  }

  #request(keyId: string, message: Uint8Array) {
    return { keyId, message, padding: this.#rules.padding };
  }
}

/** The last field of the message, where the MAC must be. */
function macField(message: Message): 64 | 128 {
  return message.last > 64 ? 128 : 64;
}
