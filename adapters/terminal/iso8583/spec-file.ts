/**
 * A message specification as data: what the shipped ones are made of and what a custom file holds. Everything that
 * differs between peers is a property here, and nothing of it is code.
 */
import { z } from 'zod';

/**
 * How characters and bytes are written. `raw`: bytes as they are, `hex`: two hex characters a byte, `bcd`: two digits a
 * byte, `ebcdic`: code page 037. `ascii` keeps bytes above 7F too (as Latin-1).
 */
const Encoding = z.enum(['ascii', 'ebcdic', 'bcd', 'raw', 'hex']);

const Prefix = z.strictObject({
  /** Digits of the length: 2 for LL, 3 for LLL, up to 6. */
  digits: z.number().int().min(1).max(6),
  /** `bcd` takes half as many bytes, rounded up; `binary` is big-endian: 1 byte for 1 or 2 digits, 2 for 3 or 4, else 3. */
  encoding: z.enum(['ascii', 'ebcdic', 'bcd', 'binary']),
  /**
   * What is counted. `digits`: digits or characters, of binary data its bytes; `bytes`: bytes on the wire; `nibbles`:
   * digits of BCD, otherwise twice the bytes on the wire, for hex its characters.
   */
  unit: z.enum(['digits', 'bytes', 'nibbles']),
});

/** Where the spare half byte of an odd number of BCD digits is, and what it is. */
const Pad = z.strictObject({ side: z.enum(['left', 'right']), nibble: z.string().regex(/^[0-9A-F]$/) });

/** `raw` is 8 bytes, the others 16 characters; bit 1 says that another one follows, unless `single`. */
const BitmapForm = z.enum(['raw', 'hex', 'hex-ebcdic']);

const fieldShape = {
  name: z.string().min(1),
  /** As in the standard; `tlv` is binary that holds BER-TLV, `fields` has a bitmap and fields of its own. */
  type: z.enum(['n', 'a', 'an', 'ns', 'ans', 'z', 'x+n', 'b', 'tlv', 'fields']),
  /** Fixed, or the most with a prefix: digits, characters, or bytes of binary data. */
  length: z.number().int().min(1).max(999_999),
  encoding: Encoding,
  prefix: Prefix.optional(),
  pad: Pad.optional(),
  /** How it is shown: `pan` first 6 and last 4, `all` nothing, `none` as it is. Left out: by its number. */
  mask: z.enum(['none', 'pan', 'all']).optional(),
  /** How values of `tlv` are shown. */
  values: z.enum(['hex', 'text']).optional(),
};

const number = z.string().regex(/^[1-9][0-9]{0,2}$/, 'must be a field number');
const LeafField = z.strictObject(fieldShape);
/** Fields of a field do not have fields themselves. */
const Inner = z.strictObject({
  bitmap: BitmapForm,
  single: z.boolean().optional(),
  fields: z.record(number, LeafField),
});
const Field = z.strictObject({ ...fieldShape, inner: Inner.optional() });

const SpecData = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  /** First digit of the message type: 0 for 1987, 1 for 1993. */
  version: z.enum(['0', '1', '2']),
  mti: z.enum(['ascii', 'ebcdic', 'bcd']),
  bitmap: BitmapForm,
  fields: z.record(number, Field),
});

export type FieldData = z.infer<typeof Field>;
export type BitmapForm = z.infer<typeof BitmapForm>;
export type SpecData = z.infer<typeof SpecData>;

export type SpecFileResult =
  | { readonly ok: true; readonly spec: SpecData }
  /** Each mistake with the path to it, for example `fields.55.prefix.digits`. */
  | { readonly ok: false; readonly mistakes: readonly { readonly path: string; readonly message: string }[] };

/**
 * Checks what a custom file holds (parsed JSON). A file with `extends` names a shipped specification and says only what
 * is different: a field takes the properties it does not name from there, also those of its prefix, `null` takes out the
 * field, the prefix or the pad.
 *
 * @param base finds what `extends` names
 */
export function readSpecFile(document: unknown, base: (name: string) => SpecData | undefined): SpecFileResult {
  if (!isRecord(document)) return mistake('', 'must be an object');
  const { extends: extended, ...own } = document;
  let whole: unknown = own;
  if (extended !== undefined) {
    const found = typeof extended === 'string' ? base(extended) : undefined;
    if (found === undefined) return mistake('extends', 'must name a specification that ships with the switch');
    const fields = own.fields ?? {};
    if (!isRecord(fields)) return mistake('fields', 'must be an object');
    whole = { ...found, description: undefined, ...own, fields: merged(found.fields, fields, 2) };
  }
  const parsed = SpecData.safeParse(whole);
  if (parsed.success) return { ok: true, spec: parsed.data };
  return {
    ok: false,
    mistakes: parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
  };
}

/** `depth`: how many levels of objects are merged; those below replace what was there. */
function merged(from: Record<string, unknown>, changes: Record<string, unknown>, depth: number): object {
  const result: Record<string, unknown> = { ...from };
  for (const [key, change] of Object.entries(changes)) {
    const before = result[key];
    if (change === null) delete result[key];
    else result[key] = depth > 0 && isRecord(before) && isRecord(change) ? merged(before, change, depth - 1) : change;
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mistake(path: string, message: string): SpecFileResult {
  return { ok: false, mistakes: [{ path, message }] };
}
