/** Writes merchant-presented codes: fields in the order given, their lengths, and the checksum at the end. */
import { crc16, formatCrc } from './crc16.ts';
import { type QrError, type QrResult, refuse } from './findings.ts';
import { fieldsOf, type MerchantCode, type QrField } from './merchant-code.ts';
import { decodeMerchant } from './merchant-decode.ts';
import type { LengthUnit } from './merchant-text.ts';
import type { MerchantProfileName } from './profiles.ts';

const CRC = '63';
const VALUE_MAX = 99;
/** Text, template, template in a template. */
const DEPTH_MAX = 3;

export interface MerchantWriting {
  /** What the code is kept to; undefined: what it is found to be. */
  readonly profile?: MerchantProfileName | undefined;
  readonly fields: readonly QrField[];
  readonly lengthUnit?: LengthUnit | undefined;
}

/**
 * Writes a code, and reads it again under its profile: what comes out can be paid. A field 63 among the fields is moved to the
 * end and computed anew; when it was right, its letters keep their case.
 */
export function encodeMerchant({
  profile,
  fields,
  lengthUnit = 'characters',
}: MerchantWriting): QrResult<MerchantCode> {
  const body = writeFields(
    fields.filter(({ id }) => id !== CRC),
    lengthUnit,
    '',
    1,
  );
  if (typeof body !== 'string') return { ok: false, error: body };
  const open = `${body}${CRC}04`;
  const crc = formatCrc(crc16(open));
  const given = fields.find(({ id }) => id === CRC)?.value;
  const isKept = typeof given === 'string' && given.toUpperCase() === crc;
  return decodeMerchant(open + (isKept ? given : crc), profile);
}

/** The text of a code that was read, written anew from its fields: the same, byte for byte. */
export function reencodeMerchant(code: MerchantCode): QrResult<MerchantCode> {
  return encodeMerchant({ profile: code.profile, fields: fieldsOf(code), lengthUnit: code.lengthUnit });
}

function writeFields(fields: readonly QrField[], unit: LengthUnit, parent: string, depth: number): string | QrError {
  let text = '';
  for (const { id, value } of fields) {
    const path = parent === '' ? id : `${parent}.${id}`;
    if (!/^\d\d$/.test(id)) return fail('badId', path, `"${id}" is not the id of a field: two digits`);
    if (typeof value !== 'string' && depth === DEPTH_MAX) {
      return fail('badTemplate', path, `templates are at most ${DEPTH_MAX - 1} deep`);
    }
    const inner = typeof value === 'string' ? value : writeFields(value, unit, path, depth + 1);
    if (typeof inner !== 'string') return inner;
    const length = unit === 'bytes' ? Buffer.byteLength(inner) : [...inner].length;
    if (length > VALUE_MAX) {
      return fail(
        'longValue',
        path,
        `field ${path} has ${length} ${unit}; a length has two digits, so ${VALUE_MAX} is most`,
      );
    }
    text += id + String(length).padStart(2, '0') + inner;
  }
  return text;
}

function fail(code: QrError['code'], path: string, message: string): QrError {
  return refuse(code, path, 0, message).error;
}
