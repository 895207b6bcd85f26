/**
 * What the terminal adapter asks of its keys. It names keys and never sees one, so that an HSM can stand behind the same
 * interface: therefore each operation may answer at once or later, and `await` suits both.
 */
import type { Response, ResponseCodes } from '../emv/cryptogram.ts';
import type { ArqcRequest, ArqcResult } from '../emv/verify.ts';
import type { Padding } from '../padding.ts';
import type { PinBlockFormat } from '../pin/pin-block.ts';
import type { PanToken } from './pan-token.ts';
import type { KeyInfo } from './secret-key.ts';

export type Answer<T> = T | Promise<T>;

export const VAULT_ERRORS = [
  'noKey',
  /** The key is for something else: by its usage, mode or algorithm. */
  'wrongKey',
  /** The input cannot be used: a PIN block that is none, a KSN with a wrong counter. */
  'refused',
] as const;

export type VaultResult<T> =
  | ({ readonly ok: true } & T)
  | {
      readonly ok: false;
      readonly code: (typeof VAULT_ERRORS)[number];
      /** For the log: no key, PIN or card number in it. */
      readonly problem: string;
    };

/** A key by its id; with a key serial number it is a DUKPT base key (B0), and the transaction's key is meant. */
export interface KeyReference {
  readonly keyId: string;
  readonly ksn?: Uint8Array;
}

/** The usage of the key says the algorithm: M3 retail MAC, M6 CMAC. DUKPT: retail under TDES, CMAC under AES. */
export interface MacRequest extends KeyReference {
  readonly message: Uint8Array;
  /** Of the retail MAC; 1 when left out. */
  readonly padding?: Padding;
  /** With DUKPT: which of the two keys; the request's when left out. */
  readonly direction?: 'request' | 'response';
}

export interface EncryptedPin extends KeyReference {
  readonly format: PinBlockFormat;
  readonly block: Uint8Array;
  readonly pan: string;
}

/** How the PIN of a card of our own is verified: by a PVV (key usage V2) or an IBM 3624 offset (V1). */
export type PinCheck =
  | { readonly keyId: string; readonly method: 'pvv'; readonly keyIndex: number; readonly pvv: string }
  | { readonly keyId: string; readonly method: 'ibm3624'; readonly offset: string; readonly validationData: string };

export interface KeyVault {
  /** What may be told of a key: undefined when there is none of this id and usage. */
  find(keyId: string, usage: string): Answer<KeyInfo | undefined>;
  /** Key usage E0. Without such a key the verdict is `technical`. */
  verifyArqc(keyId: string, request: ArqcRequest): Answer<ArqcResult>;
  /** The answer to a card after the decision; key usage E0. */
  respond(keyId: string, request: ArqcRequest, codes: ResponseCodes): Answer<Response>;
  mac(request: MacRequest): Answer<VaultResult<{ mac: Uint8Array }>>;
  /** The received MAC may be cut to its first four bytes or more. */
  verifyMac(request: MacRequest, received: Uint8Array): Answer<VaultResult<{ matches: boolean }>>;
  /** From the key and format of a terminal to those of an issuer. */
  translatePin(
    from: EncryptedPin,
    to: KeyReference & { readonly format: PinBlockFormat },
  ): Answer<VaultResult<{ block: Uint8Array }>>;
  verifyPin(pin: EncryptedPin, check: PinCheck): Answer<VaultResult<{ matches: boolean }>>;
  /** Key usage M7. */
  tokenOf(keyId: string, pan: string): Answer<VaultResult<{ token: PanToken }>>;
  /**
   * Encrypts what has to be kept for a while, so that nobody reads or changes it unseen. Key usage D0, AES.
   *
   * @param context what it belongs to: it is opened with the same one only
   */
  seal(keyId: string, plain: Uint8Array, context: string): Answer<VaultResult<{ sealed: Uint8Array }>>;
  unseal(keyId: string, sealed: Uint8Array, context: string): Answer<VaultResult<{ plain: Uint8Array }>>;
  /**
   * Takes a key that a peer sent as a key block, wrapped under a key of the vault (usage K0 or K1), for as long as the
   * process runs or until it is forgotten. Only `usages` are taken. The id is a new one.
   */
  adopt(
    protectionKeyId: string,
    block: string,
    usages: readonly string[],
  ): Answer<VaultResult<{ readonly info: KeyInfo }>>;
  /** Overwrites a key that was adopted; nothing happens to other keys. */
  forget(keyId: string): Answer<void>;
}
