/** The text form of an API key: `slk_<id>_<secret>`, id 16 hex digits, secret 256 bits in base64url. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const FORM = /^slk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

/** Makes a new key from the system's random source. */
export function newKey(): KeyParts {
  return { id: randomBytes(8).toString('hex'), secret: randomBytes(32).toString('base64url') };
}

export function formatKey(parts: KeyParts): string {
  return `slk_${parts.id}_${parts.secret}`;
}

/** Undefined when it has not the form of a key. */
export function parseKey(text: string): KeyParts | undefined {
  const match = FORM.exec(text);
  const [, id, secret] = match ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/**
 * SHA-256 of a secret. A plain hash is enough: a secret has 256 random bits, so there is no list of likely
 * ones that a slow hash would have to protect.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Compares in constant time. */
export function secretMatches(secret: string, hash: Uint8Array): boolean {
  return timingSafeEqual(hashSecret(secret), hash);
}
