/** Values as people write them in flags, the environment and files: whole numbers, sizes, switches. */
import { z } from 'zod';

const SIZE = /^(\d+)\s*(B|KB|MB|GB|KiB|MiB|GiB)?$/i;
const SIZE_FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1024,
  mib: 1_048_576,
  gib: 1_073_741_824,
};

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];

/** The value itself unless it is text that `read` understands; the schema behind it then judges it. */
function fromText<S extends z.ZodType>(read: (text: string) => unknown, schema: S): z.ZodType<z.output<S>> {
  return z.preprocess((value) => (typeof value === 'string' ? (read(value.trim()) ?? value) : value), schema);
}

const readWhole = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

/** A whole number within bounds, both included. */
export function whole(minimum: number, maximum: number): z.ZodType<number> {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return fromText(
    readWhole,
    z
      .int({ error: `must be ${expected}` })
      .min(minimum, `must be ${expected}`)
      .max(maximum, `must be ${expected}`),
  );
}

/** Bytes as a number, or as text with a unit: `64MiB`, `1GB`. */
export function size(minimum: number, maximum: number): z.ZodType<number> {
  const expected = `a size from ${formatSize(minimum)} to ${formatSize(maximum)}, for example 64MiB`;
  return fromText(
    parseSize,
    z
      .int({ error: `must be ${expected}` })
      .min(minimum, `must be ${expected}`)
      .max(maximum, `must be ${expected}`),
  );
}

/** Bytes of `64MiB` and the like; undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const factor = match === null ? undefined : SIZE_FACTORS[(match[2] ?? 'B').toLowerCase()];
  const bytes = Number(match?.[1]) * (factor ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact text with a binary unit. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const factor = SIZE_FACTORS[unit.toLowerCase()] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** A switch. The text forms are those of environment variables: true/false, yes/no, on/off, 1/0. */
export function toggle(): z.ZodType<boolean> {
  const read = (text: string): boolean | undefined => {
    const lower = text.toLowerCase();
    if (TRUE.includes(lower)) return true;
    return FALSE.includes(lower) ? false : undefined;
  };
  return fromText(read, z.boolean({ error: 'must be true or false' }));
}

/** Text that is not empty and has no control characters. */
export function text(): z.ZodType<string> {
  return z
    .string({ error: 'must be text' })
    .min(1, 'must not be empty')
    .refine((value) => !/\p{Cc}/u.test(value), 'must not contain control characters');
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T): z.ZodType<T[number]> {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}
