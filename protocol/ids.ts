/**
 * 128-bit identifiers. In text: 32 lower-case hex digits, most significant first, with or without the dashes
 * of a UUID. Time-ordered ids (UUIDv7, RFC 9562) keep the engine's indexes fast; any other id is correct.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { uuidv7obj } from 'uuidv7';

declare const idBrand: unique symbol;
/** A checked id: 1 … 2^128 − 2^96 − 1. Made by `parseId`, `newId`, `deriveId` and `idFromNumber`. */
export type Id = bigint & { readonly [idBrand]: true };

/** Ids whose upper 32 bits are all ones are given by the engine: the legs of payments, expiries. */
export const ENGINE_ID_PREFIX = 0xffff_ffff;
const FIRST_ENGINE_ID = BigInt(ENGINE_ID_PREFIX) << 96n;
const ID_TEXT = /^[0-9a-f]{32}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether clients may use this id for what they create. */
export function isClientId(value: bigint): value is Id {
  return value > 0n && value < FIRST_ENGINE_ID;
}

/** Reads the text form; undefined when it is not 32 hex digits (or a UUID). Engine ids are read as well. */
export function parseId(text: string): Id | undefined {
  if (!ID_TEXT.test(text)) return undefined;
  const value = BigInt(`0x${text.replaceAll('-', '')}`);
  return value === 0n ? undefined : (value as Id);
}

/** 32 lower-case hex digits. */
export function formatId(id: bigint): string {
  return id.toString(16).padStart(32, '0');
}

/** A new time-ordered id (UUIDv7). */
export function newId(): Id {
  return bytesToId(uuidv7obj().bytes);
}

/** A small number as an id, for tests, benchmarks and charts of accounts. */
export function idFromNumber(value: number): Id {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`no id for ${value}`);
  return BigInt(value) as Id;
}

/**
 * The id that always belongs to these names: the first 128 bits of SHA-256 over the parts, each preceded by
 * its length. The upper bit is cleared, so that it is never an engine id.
 */
export function deriveId(...parts: readonly string[]): Id {
  const encoder = new TextEncoder();
  const hash = sha256.create();
  for (const part of parts) {
    const bytes = encoder.encode(part);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    hash.update(length).update(bytes);
  }
  const bytes = hash.digest().subarray(0, 16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytesToId(bytes);
}

/** The account of a named party in one currency: `deriveId('account', institution, handle, ledger)`. */
export function partyAccountId(institution: number, handle: string, ledger: number): Id {
  return deriveId('account', String(institution), handle, String(ledger));
}

function bytesToId(bytes: Uint8Array): Id {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value as Id;
}
