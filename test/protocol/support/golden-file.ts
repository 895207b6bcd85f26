/**
 * The golden vectors: request and reply frames in hex with what they mean. Big integers are text that ends in `n`
 * (ids in hexadecimal), since JSON has none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { CommandName } from '../../../protocol/commands.ts';

export interface GoldenVector {
  readonly name: string;
  readonly command: CommandName;
  readonly requestId: number;
  readonly checksum: boolean;
  readonly balances: boolean;
  readonly request: { readonly hex: string; readonly input: unknown };
  /** Exactly one of `value` and `refusal`. */
  readonly reply: { readonly hex: string; readonly value?: unknown; readonly refusal?: unknown };
}

export const GOLDEN_FOLDER = new URL('../../golden/', import.meta.url);

export function readGolden(): GoldenVector[] {
  return readdirSync(GOLDEN_FOLDER)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => parseGolden(readFileSync(new URL(file, GOLDEN_FOLDER), 'utf8')));
}

export function parseGolden<T = GoldenVector[]>(text: string): T {
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && /^(-?\d+|0x[0-9a-f]+)n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as T;
}

/** Messages are left out: their wording may change, and `code` decides them. */
export function formatGolden(value: unknown): string {
  const replacer = (key: string, value: unknown): unknown => {
    if (key === 'message') return undefined;
    if (typeof value !== 'bigint') return value;
    return /id$/i.test(key) || /^\d+$/.test(key) ? `0x${value.toString(16).padStart(32, '0')}n` : `${value}n`;
  };
  return `${JSON.stringify(value, replacer, 2)}\n`;
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
