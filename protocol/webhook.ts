/**
 * Signatures of webhooks, in the form of the Standard Webhooks specification (version 1), so that its libraries verify them, too:
 *
 *   webhook-id         the same however often a delivery is repeated
 *   webhook-timestamp  seconds since 1970 of this attempt
 *   webhook-signature  `v1,` and the base64 of HMAC-SHA256(key, `${id}.${timestamp}.${body}`)
 *
 * The key is what stands in base64 after `whsec_` in the secret. Runs in Node and in browsers.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Change } from './changes.ts';

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES_MIN = 16;
const TOLERANCE_SECONDS = 300;
/** Signatures of one header that are looked at: two while a secret is changed. */
const SIGNATURES_MAX = 16;

/** Body of a delivery. */
export interface WebhookBody {
  /** `test` comes from `sluice webhook test`, and has no changes. */
  readonly type: 'changes' | 'test';
  readonly partition: number;
  /** In order; an `id` that was seen before was delivered before. */
  readonly changes: readonly Change[];
}

/** @throws RangeError when the secret is not one */
function keyOf(secret: string): Uint8Array {
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  let key: Uint8Array | undefined;
  try {
    key = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  } catch {
    key = undefined;
  }
  if (key === undefined || key.length < SECRET_BYTES_MIN) {
    throw new RangeError(`a webhook secret is ${SECRET_PREFIX} and base64 of at least ${SECRET_BYTES_MIN} bytes`);
  }
  return key;
}

/** Value of `webhook-signature`. @throws RangeError when the secret is not one */
export function signWebhook(secret: string, id: string, timestampSeconds: number, body: string): string {
  const signed = new TextEncoder().encode(`${id}.${timestampSeconds}.${body}`);
  return `v1,${btoa(String.fromCharCode(...hmac(sha256, keyOf(secret), signed)))}`;
}

export interface WebhookMessage {
  /** The three headers, whatever their case; the first value counts where there are several. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came, byte for byte, before any parsing. */
  readonly body: string;
}

export interface VerifyOptions {
  readonly secret: string;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** How old or new a message may be: 300 s when left out. What is older could be a repeat of somebody who listened. */
  readonly toleranceSeconds?: number;
}

export type WebhookVerdict =
  | { readonly ok: true; readonly id: string; readonly body: WebhookBody }
  | {
      readonly ok: false;
      readonly problem: 'headerMissing' | 'timestampInvalid' | 'tooOld' | 'tooNew' | 'signatureWrong' | 'bodyInvalid';
    };

/**
 * Whether a message is from the switch and fresh. Compares in constant time. Keep the `id`s of deliveries, or of changes, for as
 * long as you must not act twice.
 * @throws RangeError when the secret is not one
 */
export function verifyWebhook(message: WebhookMessage, options: VerifyOptions): WebhookVerdict {
  const { secret, nowSeconds, toleranceSeconds = TOLERANCE_SECONDS } = options;
  const id = headerOf(message, 'webhook-id');
  const timestamp = headerOf(message, 'webhook-timestamp');
  const signatures = headerOf(message, 'webhook-signature');
  if (id === '' || timestamp === '' || signatures === '') return { ok: false, problem: 'headerMissing' };
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, problem: 'timestampInvalid' };
  const seconds = Number(timestamp);
  if (seconds < nowSeconds - toleranceSeconds) return { ok: false, problem: 'tooOld' };
  if (seconds > nowSeconds + toleranceSeconds) return { ok: false, problem: 'tooNew' };
  const expected = signWebhook(secret, id, seconds, message.body);
  const given = signatures.split(' ', SIGNATURES_MAX);
  if (!given.some((signature) => equals(signature, expected))) return { ok: false, problem: 'signatureWrong' };
  const body = parseBody(message.body);
  return body === undefined ? { ok: false, problem: 'bodyInvalid' } : { ok: true, id, body };
}

function headerOf({ headers }: WebhookMessage, name: string): string {
  const key = Object.keys(headers).find((known) => known.toLowerCase() === name);
  const value = key === undefined ? undefined : headers[key];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** Takes as long for a wrong first character as for a wrong last one. */
function equals(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < b.length; at++) difference |= (a.charCodeAt(at) | 0) ^ b.charCodeAt(at);
  return difference === 0;
}

function parseBody(text: string): WebhookBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return 'changes' in value && Array.isArray(value.changes) ? (value as WebhookBody) : undefined;
  } catch {
    return undefined;
  }
}
