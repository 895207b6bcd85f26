/** The specifications that ship with the switch: the fields of a year, written in the way of a family of peers. */
import { FIELDS_1987, type FieldRow } from './fields-1987.ts';
import { FIELDS_1993 } from './fields-1993.ts';
import type { FieldData, SpecData } from './spec-file.ts';

type Family = 'ascii' | 'bcd';

export const SHIPPED_SPECS = ['iso87-ascii', 'iso87-bcd', 'iso93-ascii', 'iso93-bcd'] as const;

/** A shipped specification by its name. */
export function shippedSpec(name: string): SpecData | undefined {
  switch (name) {
    case 'iso87-ascii':
      return specData(name, '0', 'ascii', FIELDS_1987);
    case 'iso87-bcd':
      return specData(name, '0', 'bcd', FIELDS_1987);
    case 'iso93-ascii':
      return specData(name, '1', 'ascii', FIELDS_1993);
    case 'iso93-bcd':
      return specData(name, '1', 'bcd', FIELDS_1993);
    default:
      return undefined;
  }
}

function specData(name: string, version: '0' | '1', family: Family, fields: readonly FieldRow[]): SpecData {
  const isAscii = family === 'ascii';
  return {
    name,
    description: `ISO 8583:${version === '0' ? 1987 : 1993}, ${isAscii ? 'ASCII digits and text, hex bitmap' : 'BCD digits, ASCII text, raw bitmap'}`,
    version,
    mti: family,
    bitmap: isAscii ? 'hex' : 'raw',
    fields: Object.fromEntries(fields.map((row) => [row[0], fieldData(row, family)])),
  };
}

function fieldData([number, format, name]: FieldRow, family: Family): FieldData {
  const [, prefix = '', type = '', length = ''] = /^(L*)(n|a|an|ns|ans|z|x\+n|b|tlv)([0-9]+)$/.exec(format) ?? [];
  const isVariable = prefix !== '';
  const field: FieldData = {
    name,
    type: type as FieldData['type'],
    length: Number(length),
    encoding: encodingOf(number, type, isVariable, family),
  };
  if (field.encoding === 'bcd') field.pad = { side: isVariable ? 'right' : 'left', nibble: '0' };
  if (isVariable) {
    field.prefix = { digits: prefix.length, encoding: family, unit: field.encoding === 'bcd' ? 'digits' : 'bytes' };
  }
  return field;
}

/** Text is ASCII in both families, and so are 37 to 51 when they have digits only. */
function encodingOf(number: number, type: string, isVariable: boolean, family: Family): FieldData['encoding'] {
  // Of variable binary data the length counts bytes, and nobody doubles the size of the chip's data.
  if (type === 'b' || type === 'tlv') return family === 'ascii' && !isVariable ? 'hex' : 'raw';
  const isDigits = type === 'n' || type === 'z' || type === 'x+n';
  return family === 'bcd' && isDigits && !(number >= 37 && number <= 51) ? 'bcd' : 'ascii';
}
