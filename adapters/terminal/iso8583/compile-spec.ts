/** Turns a specification into tables by field number, once per link, so that reading a message only looks things up. */
import type { BitmapForm, FieldData, SpecData } from './spec-file.ts';

export type Mask = 'none' | 'pan' | 'all';

export interface CompiledField {
  readonly number: number;
  /** `2`, or `127.2` for a field of a field. */
  readonly path: string;
  readonly name: string;
  readonly type: FieldData['type'];
  readonly encoding: FieldData['encoding'];
  /** Digits, characters, or bytes of binary data: all of a fixed field, the most of a variable one. */
  readonly length: number;
  /** 0: the field is fixed. */
  readonly prefixBytes: number;
  readonly prefixEncoding: 'ascii' | 'ebcdic' | 'bcd' | 'binary';
  /** The largest length that the prefix can say. */
  readonly prefixMax: number;
  readonly unit: 'digits' | 'bytes' | 'nibbles';
  readonly padsLeft: boolean;
  readonly padNibble: number;
  readonly mask: Mask;
  readonly showsTlvText: boolean;
  readonly inner: CompiledBody | undefined;
}

/** A bitmap and the fields it announces. */
export interface CompiledBody {
  readonly bitmap: BitmapForm;
  /** Bit 1 is a field and no second bitmap. */
  readonly isSingle: boolean;
  /** By number. */
  readonly fields: readonly (CompiledField | undefined)[];
}

export interface CompiledSpec {
  readonly name: string;
  readonly version: string;
  readonly mti: 'ascii' | 'ebcdic' | 'bcd';
  readonly body: CompiledBody;
}

export type CompileResult =
  | { readonly ok: true; readonly spec: CompiledSpec }
  | { readonly ok: false; readonly mistakes: readonly { readonly path: string; readonly message: string }[] };

/** PAN, extended PAN, tracks, additional response data and PIN block, when the specification does not say otherwise. */
const MASKS: Readonly<Record<number, Mask>> = { 2: 'pan', 34: 'pan', 35: 'all', 36: 'all', 45: 'all', 52: 'all' };

/** Compiles a specification, or names everything that does not fit together in it. */
export function compileSpec(data: SpecData): CompileResult {
  const mistakes: { path: string; message: string }[] = [];
  const body = compileBody(data, '', mistakes);
  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, spec: { name: data.name, version: data.version, mti: data.mti, body } };
}

interface BodyData {
  readonly bitmap: BitmapForm;
  readonly single?: boolean | undefined;
  readonly fields: Readonly<Record<string, FieldData>>;
}

function compileBody(data: BodyData, path: string, mistakes: { path: string; message: string }[]): CompiledBody {
  const isSingle = data.single === true;
  const last = isSingle ? 64 : 128;
  const fields: (CompiledField | undefined)[] = Array(last + 1).fill(undefined);
  for (const [key, field] of Object.entries(data.fields)) {
    const number = Number(key);
    const at = `${path}fields.${key}`;
    if (number > last || (number === 1 && !isSingle)) {
      mistakes.push({ path: at, message: `must be a field from ${isSingle ? 1 : 2} to ${last}` });
      continue;
    }
    for (const message of mistakesOf(field)) mistakes.push({ path: at, message });
    fields[number] = compileField(number, path === '' ? key : `${path.split('.')[1]}.${key}`, field, at, mistakes);
  }
  return { bitmap: data.bitmap, isSingle, fields };
}

function compileField(
  number: number,
  path: string,
  field: FieldData,
  at: string,
  mistakes: { path: string; message: string }[],
): CompiledField {
  const { name, type, encoding, length, prefix, pad, inner } = field;
  return {
    number,
    path,
    name,
    type,
    encoding,
    length,
    prefixBytes: prefix === undefined ? 0 : prefixBytesOf(prefix.digits, prefix.encoding),
    prefixEncoding: prefix?.encoding ?? 'ascii',
    prefixMax: prefix === undefined ? 0 : prefixMaxOf(prefix.digits, prefix.encoding),
    unit: prefix?.unit ?? 'digits',
    padsLeft: pad?.side !== 'right',
    padNibble: Number.parseInt(pad?.nibble ?? '0', 16),
    mask: field.mask ?? (path === String(number) ? MASKS[number] : undefined) ?? 'none',
    showsTlvText: field.values === 'text',
    inner: inner === undefined ? undefined : compileBody(inner, `${at}.inner.`, mistakes),
  };
}

function prefixBytesOf(digits: number, encoding: CompiledField['prefixEncoding']): number {
  return encoding === 'bcd' || encoding === 'binary' ? Math.ceil(digits / 2) : digits;
}

function prefixMaxOf(digits: number, encoding: CompiledField['prefixEncoding']): number {
  return encoding === 'binary' ? 256 ** Math.ceil(digits / 2) - 1 : 10 ** digits - 1;
}

const TEXT_ENCODINGS: readonly string[] = ['ascii', 'ebcdic'];

/** What the shape alone does not say. */
function mistakesOf({ type, encoding, length, prefix, pad, inner, values }: FieldData): string[] {
  const found: string[] = [];
  const isBinary = type === 'b' || type === 'tlv' || type === 'fields';
  const isDigits = type === 'n' || type === 'z' || type === 'x+n';
  const allowed = isBinary ? ['raw', 'hex'] : isDigits ? [...TEXT_ENCODINGS, 'bcd'] : TEXT_ENCODINGS;
  if (!allowed.includes(encoding)) found.push(`encoding of type ${type} must be ${allowed.join(' or ')}`);
  if (type === 'fields' && encoding !== 'raw') found.push('encoding of type fields must be raw');
  if ((type === 'fields') !== (inner !== undefined)) found.push('inner belongs to type fields, and only to it');
  if (pad !== undefined && encoding !== 'bcd') found.push('pad belongs to encoding bcd');
  if (values !== undefined && type !== 'tlv') found.push('values belongs to type tlv');
  if (type === 'x+n' && prefix !== undefined) found.push('type x+n has no prefix');
  if ((type === 'tlv' || type === 'fields') && prefix === undefined) found.push(`type ${type} must have a prefix`);
  if (prefix !== undefined) {
    const units = prefix.unit === 'nibbles' && encoding !== 'bcd' && encoding !== 'hex' ? 2 * length : length;
    const most =
      encoding === 'bcd' && prefix.unit === 'bytes' ? Math.ceil(length / 2) : encoding === 'hex' ? 2 * length : units;
    const max = prefixMaxOf(prefix.digits, prefix.encoding);
    if (most > max) found.push(`length ${length} does not fit into a prefix that ends at ${max}`);
  }
  return found;
}
