/** The vault over keys in memory. All of it answers at once. */
import { wipe } from '../bytes.ts';
import { aesWorkingKey } from '../dukpt/aes-dukpt.ts';
import { tdesTransactionKeys } from '../dukpt/tdes-dukpt.ts';
import { IssuerKey } from '../emv/card-keys.ts';
import type { Response, ResponseCodes } from '../emv/cryptogram.ts';
import { type ArqcRequest, type ArqcResult, ArqcVerifier } from '../emv/verify.ts';
import { aesCmac, macMatches, retailMac, tdesCmac } from '../mac.ts';
import { decodePinBlock, encodePinBlock, type Pin, type PinBlockFormat } from '../pin/pin-block.ts';
import { ibmPinMatches, pvvMatches } from '../pin/pin-verification.ts';
import { unwrapKey } from '../tr31/key-block.ts';
import type { EncryptedPin, KeyReference, KeyVault, MacRequest, PinCheck, VaultResult } from './key-vault.ts';
import { type PanToken, TOKEN_KEY_BYTES_MIN, TokenKey } from './pan-token.ts';
import { seal, unseal } from './seal.ts';
import { type KeyInfo, SecretKey } from './secret-key.ts';

interface Purpose {
  readonly usage: string;
  /** Modes of use that allow the operation; N is no restriction. */
  readonly modes: string;
}

type Failure = VaultResult<unknown> & { readonly ok: false };

const DERIVING: Purpose = { usage: 'B0', modes: 'XN' };
const CRYPTOGRAM: Purpose = { usage: 'E0', modes: 'XN' };
const PIN_ENCRYPT: Purpose = { usage: 'P0', modes: 'EBN' };
const PIN_DECRYPT: Purpose = { usage: 'P0', modes: 'DBN' };

/** Ids of keys of the key file cannot begin so. */
const ADOPTED = '~';
const ADOPTED_MAX = 4096;

export class SoftwareVault implements KeyVault {
  readonly #keys: Map<string, SecretKey>;
  #adopted = 0;
  #lastAdopted = 0;
  readonly #issuers = new Map<string, IssuerKey>();
  readonly #tokens = new Map<string, TokenKey>();
  readonly #verifier = new ArqcVerifier();

  constructor(keys: readonly SecretKey[]) {
    this.#keys = new Map(keys.map((key) => [key.info.id, key]));
    for (const key of keys) {
      const { id, algorithm } = key.info;
      const found = this.#find(id, CRYPTOGRAM);
      // The schedules of issuer keys are made once: a verification has no time for it.
      if (found.ok && algorithm === 'T' && key.bytes === 16) {
        this.#issuers.set(
          id,
          key.use((bytes) => new IssuerKey(bytes)),
        );
      }
    }
  }

  find(keyId: string, usage: string): KeyInfo | undefined {
    const info = this.#keys.get(keyId)?.info;
    return info?.usage === usage ? info : undefined;
  }

  verifyArqc(keyId: string, request: ArqcRequest): ArqcResult {
    return this.#verifier.verify(this.#issuers.get(keyId), request);
  }

  respond(keyId: string, request: ArqcRequest, codes: ResponseCodes): Response {
    const issuer = this.#issuers.get(keyId);
    if (issuer === undefined) return { ok: false, problem: `there is no issuer key "${keyId}"` };
    return this.#verifier.respondTo(issuer, request, codes);
  }

  mac(request: MacRequest): VaultResult<{ mac: Uint8Array }> {
    return this.#mac(request, 'GCN');
  }

  verifyMac(request: MacRequest, received: Uint8Array): VaultResult<{ matches: boolean }> {
    const result = this.#mac(request, 'VCN');
    if (!result.ok) return result;
    const matches = macMatches(result.mac, received);
    wipe(result.mac);
    return { ok: true, matches };
  }

  translatePin(
    from: EncryptedPin,
    to: KeyReference & { readonly format: PinBlockFormat },
  ): VaultResult<{ block: Uint8Array }> {
    return this.#withPin(from, (pin) =>
      this.#withPinKey(to, to.format, PIN_ENCRYPT, (key): VaultResult<{ block: Uint8Array }> => {
        const result = encodePinBlock(to.format, pin, from.pan, key);
        return result.ok ? { ok: true, block: result.value } : refused(result.problem);
      }),
    );
  }

  verifyPin(pin: EncryptedPin, check: PinCheck): VaultResult<{ matches: boolean }> {
    const usage = check.method === 'pvv' ? 'V2' : 'V1';
    const found = this.#find(check.keyId, { usage, modes: 'VCGN' });
    if (!found.ok) return found;
    if (found.key.info.algorithm !== 'T') return wrongKey(check.keyId, 'PINs are verified with triple DES');
    return this.#withPin(pin, (digits) => ({
      ok: true,
      matches: found.key.use((key) =>
        check.method === 'pvv'
          ? pvvMatches(key, digits, pin.pan, check.keyIndex, check.pvv)
          : ibmPinMatches(key, digits, check.validationData, check.offset),
      ),
    }));
  }

  tokenOf(keyId: string, pan: string): VaultResult<{ token: PanToken }> {
    const found = this.#find(keyId, { usage: 'M7', modes: 'GCN' });
    if (!found.ok) return found;
    let key = this.#tokens.get(keyId);
    if (key === undefined) {
      if (found.key.bytes < TOKEN_KEY_BYTES_MIN) {
        return wrongKey(keyId, `token keys have at least ${TOKEN_KEY_BYTES_MIN} bytes`);
      }
      key = found.key.use((bytes) => new TokenKey(bytes));
      this.#tokens.set(keyId, key);
    }
    return { ok: true, token: key.tokenOf(pan) };
  }

  seal(keyId: string, plain: Uint8Array, context: string): VaultResult<{ sealed: Uint8Array }> {
    const found = this.#find(keyId, { usage: 'D0', modes: 'EBN' });
    if (!found.ok) return found;
    if (found.key.info.algorithm !== 'A') return wrongKey(keyId, 'data is sealed with AES');
    return { ok: true, sealed: found.key.use((key) => seal(key, plain, context)) };
  }

  unseal(keyId: string, sealed: Uint8Array, context: string): VaultResult<{ plain: Uint8Array }> {
    const found = this.#find(keyId, { usage: 'D0', modes: 'DBN' });
    if (!found.ok) return found;
    if (found.key.info.algorithm !== 'A') return wrongKey(keyId, 'data is sealed with AES');
    const plain = found.key.use((key) => unseal(key, sealed, context));
    return plain === undefined ? refused('it was sealed for something else, or changed') : { ok: true, plain };
  }

  adopt(protectionKeyId: string, block: string, usages: readonly string[]): VaultResult<{ readonly info: KeyInfo }> {
    const usage = this.#keys.get(protectionKeyId)?.info.usage === 'K0' ? 'K0' : 'K1';
    const found = this.#find(protectionKeyId, { usage, modes: 'DBN' });
    if (!found.ok) return found;
    if (this.#adopted >= ADOPTED_MAX) return refused(`${ADOPTED_MAX} keys of peers are in use already`);
    const unwrapped = found.key.use((kbpk) => unwrapKey(kbpk, block));
    if (!unwrapped.ok) return refused(unwrapped.problem);
    const { header, key } = unwrapped;
    if (!usages.includes(header.usage)) {
      wipe(key);
      return refused(`the key block is for usage ${header.usage}, expected ${usages.join(' or ')}`);
    }
    const adopted = new SecretKey(`${ADOPTED}${++this.#lastAdopted}`, header, key);
    wipe(key);
    this.#keys.set(adopted.info.id, adopted);
    this.#adopted++;
    return { ok: true, info: adopted.info };
  }

  forget(keyId: string): void {
    if (!keyId.startsWith(ADOPTED)) return;
    this.#keys.get(keyId)?.wipe();
    if (this.#keys.delete(keyId)) this.#adopted--;
  }

  #find(keyId: string, { usage, modes }: Purpose): { readonly ok: true; readonly key: SecretKey } | Failure {
    const key = this.#keys.get(keyId);
    if (key === undefined) return { ok: false, code: 'noKey', problem: `there is no key "${keyId}"` };
    if (key.info.usage !== usage) return wrongKey(keyId, `its usage is ${key.info.usage}, needed is ${usage}`);
    if (!modes.includes(key.info.mode)) return wrongKey(keyId, `its mode of use is ${key.info.mode}`);
    return { ok: true, key };
  }

  #mac({ keyId, ksn, message, padding = 1, direction = 'request' }: MacRequest, modes: string): MacResult {
    if (ksn !== undefined) {
      return this.#withDerived(keyId, ksn, direction === 'request' ? 'macRequest' : 'macResponse', (key, isAes) => ({
        ok: true,
        mac: isAes ? aesCmac(key, message) : retailMac(key, message, padding),
      }));
    }
    const usage = this.#keys.get(keyId)?.info.usage === 'M6' ? 'M6' : 'M3';
    const found = this.#find(keyId, { usage, modes });
    if (!found.ok) return found;
    const isAes = found.key.info.algorithm === 'A';
    if (usage === 'M6') {
      return { ok: true, mac: found.key.use((key) => (isAes ? aesCmac(key, message) : tdesCmac(key, message))) };
    }
    if (isAes || found.key.bytes !== 16) return wrongKey(keyId, 'a retail MAC needs a triple DES key of 16 bytes');
    return { ok: true, mac: found.key.cipher.retailMac(message, padding) };
  }

  /** Lends the digits of an encrypted PIN, and overwrites them. */
  #withPin<T>(encrypted: EncryptedPin, operation: (pin: Pin) => VaultResult<T>): VaultResult<T> {
    const { format, block, pan } = encrypted;
    return this.#withPinKey(encrypted, format, PIN_DECRYPT, (key): VaultResult<T> => {
      const decoded = decodePinBlock(format, block, pan, key);
      if (!decoded.ok) return refused(decoded.problem);
      const result = operation(decoded.value);
      wipe(decoded.value);
      return result;
    });
  }

  #withPinKey<T>(
    { keyId, ksn }: KeyReference,
    format: PinBlockFormat,
    purpose: Purpose,
    operation: (key: Uint8Array) => VaultResult<T>,
  ): VaultResult<T> {
    const isFitting = (isAes: boolean): boolean => isAes === (format === 4);
    const mismatch = (): Failure => wrongKey(keyId, `its algorithm is not that of PIN blocks of format ${format}`);
    if (ksn !== undefined) {
      return this.#withDerived(keyId, ksn, 'pin', (key, isAes) => (isFitting(isAes) ? operation(key) : mismatch()));
    }
    const found = this.#find(keyId, purpose);
    if (!found.ok) return found;
    return isFitting(found.key.info.algorithm === 'A') ? found.key.use(operation) : mismatch();
  }

  /** Lends a key of a transaction, and overwrites it. */
  #withDerived<T>(
    keyId: string,
    ksn: Uint8Array,
    use: 'pin' | 'macRequest' | 'macResponse',
    operation: (key: Uint8Array, isAes: boolean) => VaultResult<T>,
  ): VaultResult<T> {
    const found = this.#find(keyId, DERIVING);
    if (!found.ok) return found;
    const isAes = found.key.info.algorithm === 'A';
    return found.key.use((bdk): VaultResult<T> => {
      if (isAes) {
        const derived = aesWorkingKey(bdk, ksn, use);
        if (!derived.ok) return refused(derived.problem);
        const result = operation(derived.keys, true);
        wipe(derived.keys);
        return result;
      }
      const derived = tdesTransactionKeys(bdk, ksn);
      if (!derived.ok) return refused(derived.problem);
      const result = operation(derived.keys[use], false);
      wipe(...Object.values<Uint8Array>({ ...derived.keys }));
      return result;
    });
  }
}

type MacResult = VaultResult<{ mac: Uint8Array }>;

function wrongKey(keyId: string, problem: string): Failure {
  return { ok: false, code: 'wrongKey', problem: `key "${keyId}" cannot be used: ${problem}` };
}

function refused(problem: string): Failure {
  return { ok: false, code: 'refused', problem };
}
