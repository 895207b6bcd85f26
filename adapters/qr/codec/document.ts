/** What a code says, as a JSON document. */
import type { BarcodeCode } from './barcode.ts';
import { type ConsumerCode, type ConsumerField, maskedValue } from './consumer-code.ts';
import type { QrCode, QrKind } from './decode.ts';
import type { QrWarning } from './findings.ts';
import { fieldsOf, type MerchantCode, type QrField, type Tip } from './merchant-code.ts';
import type { LengthUnit } from './merchant-text.ts';
import type { ProfileName } from './profiles.ts';
import type { UriCode } from './uri-code.ts';

/** Values by id; a template has an object below its id, repeated ones (61) an array of them. */
export interface FieldTree {
  readonly [id: string]: string | FieldTree | readonly FieldTree[];
}

/** Absent values are null. `fields` and `order` make the code again, byte for byte (not of payers' card data, which is masked). */
export interface QrDocument {
  readonly valid: true;
  readonly profile: ProfileName;
  readonly kind: QrKind;
  readonly pointOfInitiation: 'static' | 'dynamic' | null;
  /** As written. */
  readonly amount: string | null;
  /** In minor units of the currency. */
  readonly amountMinor: number | null;
  /** ISO 4217 number. */
  readonly currency: string | null;
  readonly country: string | null;
  readonly merchantName: string | null;
  readonly merchantCity: string | null;
  readonly postalCode: string | null;
  readonly mcc: string | null;
  readonly tip: Tip | null;
  readonly crc: string | null;
  /** Id of the account template of the scheme. */
  readonly account: string | null;
  readonly fields: FieldTree;
  /** Paths of all fields in the order of the code, which an object does not keep: `26`, `26.00`. */
  readonly order: readonly string[];
  readonly lengthUnit: LengthUnit;
  readonly warnings: readonly QrWarning[];
}

const NOTHING = {
  pointOfInitiation: null,
  amount: null,
  amountMinor: null,
  currency: null,
  country: null,
  merchantName: null,
  merchantCity: null,
  postalCode: null,
  mcc: null,
  tip: null,
  crc: null,
  account: null,
} as const;

export function documentOf(code: QrCode): QrDocument {
  switch (code.kind) {
    case 'merchant':
      return merchantDocument(code);
    case 'consumer':
      return consumerDocument(code);
    case 'barcode':
      return barcodeDocument(code);
    case 'uri':
      return uriDocument(code);
  }
}

function merchantDocument(code: MerchantCode): QrDocument {
  const { profile, kind, text: _, nodes: __, warnings, lengthUnit, ...said } = code;
  const fields = fieldsOf(code);
  return {
    valid: true,
    profile,
    kind,
    ...said,
    fields: treeOf(fields),
    order: pathsOf(fields, ''),
    lengthUnit,
    warnings,
  };
}

function treeOf(fields: readonly QrField[]): FieldTree {
  return Object.fromEntries(fields.map(({ id, value }) => [id, typeof value === 'string' ? value : treeOf(value)]));
}

function pathsOf(fields: readonly QrField[], parent: string): readonly string[] {
  return fields.flatMap(({ id, value }) => {
    const path = `${parent}${id}`;
    return typeof value === 'string' ? [path] : [path, ...pathsOf(value, `${path}.`)];
  });
}

function consumerDocument({ kind, profile, fields, warnings }: ConsumerCode): QrDocument {
  const tree: Record<string, string | FieldTree | FieldTree[]> = {};
  for (const { tag, value } of fields) {
    const shown = shownValue(tag, value);
    const before = tree[tag];
    if (before === undefined || typeof before === 'string' || typeof shown === 'string') tree[tag] = shown;
    else tree[tag] = Array.isArray(before) ? [...before, shown] : [before as FieldTree, shown];
  }
  const order = fields.flatMap(({ tag, value }) =>
    value instanceof Uint8Array ? [tag] : [tag, ...value.map((part) => `${tag}.${part.tag}`)],
  );
  return { valid: true, profile, kind, ...NOTHING, fields: tree, order, lengthUnit: 'bytes', warnings };
}

function shownValue(tag: string, value: ConsumerField['value']): string | FieldTree {
  if (value instanceof Uint8Array) return maskedValue(tag, value);
  return Object.fromEntries(value.map((part) => [part.tag, shownValue(part.tag, part.value)]));
}

function barcodeDocument({ kind, profile, digits }: BarcodeCode): QrDocument {
  const common = { valid: true, profile, kind, ...NOTHING } as const;
  return { ...common, fields: { digits }, order: ['digits'], lengthUnit: 'characters', warnings: [] };
}

function uriDocument(code: UriCode): QrDocument {
  const { profile, kind, pointOfInitiation, amount, amountMinor, currency, merchantName, mcc, warnings } = code;
  return {
    valid: true,
    profile,
    kind,
    ...NOTHING,
    pointOfInitiation,
    amount,
    amountMinor,
    currency,
    merchantName,
    mcc,
    fields: Object.fromEntries(code.parameters.map(({ name, value }) => [name, value])),
    order: code.parameters.map(({ name }) => name),
    lengthUnit: 'characters',
    warnings,
  };
}
