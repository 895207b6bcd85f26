/** Hex digits and other technical values on the command line. Messages never repeat what was typed: it may be a key. */
import { UsageError } from './errors.ts';

/** Bytes of hex digits, spaces allowed between them. `lengths`: how many bytes there may be; left out, any number. */
export function readHex(text: string, option: string, lengths: readonly number[] = []): Uint8Array {
  const digits = text.replaceAll(' ', '');
  const expected =
    lengths.length === 0 ? 'an even number of hex digits' : `${orList(lengths.map((one) => 2 * one))} hex digits`;
  if (!/^[0-9a-fA-F]*$/.test(digits)) throw new UsageError(`${option} must be ${expected}: it has other characters`);
  const isRight = lengths.length === 0 ? digits.length % 2 === 0 : lengths.includes(digits.length / 2);
  if (!isRight) throw new UsageError(`${option} must be ${expected}, not ${digits.length}`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** Decimal digits, as many as `least` to `most`. */
export function readDigits(text: string, option: string, least: number, most: number): string {
  if (/^\d*$/.test(text) && text.length >= least && text.length <= most) return text;
  const count = least === most ? String(least) : `${least} to ${most}`;
  throw new UsageError(`${option} must be ${count} decimal digits`);
}

/** One of the words that there are. */
export function readChoice<T extends string>(text: string, option: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option} must be ${orList(choices)}, not "${text.slice(0, 40)}"`);
  return found;
}

/** The value of an option that this use needs. */
export function needed(text: string | undefined, option: string, when: string): string {
  if (text === undefined) throw new UsageError(`${option} is needed ${when}`);
  return text;
}

/** Upper-case hex digits. */
export function formatHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

function orList(words: readonly (string | number)[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? String(last) : `${words.slice(0, -1).join(', ')} or ${last}`;
}
