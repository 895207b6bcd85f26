/**
 * Codes from JSON: fields by id, or what they mean by name (`merchantName`, `amount` …), or both. The document that reading
 * a code answers makes the same code again.
 */
import { z } from 'zod';
import { decodeBarcode } from './barcode.ts';
import { type ConsumerField, encodeConsumer } from './consumer-code.ts';
import type { QrCode, QrKind } from './decode.ts';
import { type QrResult, refuse } from './findings.ts';
import { composeMerchant } from './merchant-compose.ts';
import { encodeMerchant } from './merchant-encode.ts';
import {
  BARCODE_PROFILES,
  type BarcodeProfileName,
  MERCHANT_PROFILES,
  type MerchantProfileName,
  PROFILE_NAMES,
} from './profiles.ts';
import { encodeUri } from './uri-code.ts';

type InputTree = { readonly [id: string]: string | InputTree | readonly InputTree[] };

const text = z.string().nullish();
// As deep as a code can be, and no deeper: nobody's file sets how far this recurs.
const inmost = z.record(z.string(), z.string());
const inner = z.record(z.string(), z.union([z.string(), inmost]));
const tree: z.ZodType<InputTree> = z.record(z.string(), z.union([z.string(), inner, z.array(inner)]));

/** Null is as good as absent. What only describes a code that was read (`valid`, `warnings` …) may be there, and is ignored. */
const INPUT = z.strictObject({
  kind: z.enum(['merchant', 'consumer', 'barcode', 'uri']).optional(),
  profile: z.enum(PROFILE_NAMES).optional(),
  pointOfInitiation: z.enum(['static', 'dynamic']).nullish(),
  amount: text,
  currency: text,
  country: text,
  merchantName: text,
  merchantCity: text,
  postalCode: text,
  mcc: text,
  tip: z
    .union([
      z.strictObject({ kind: z.literal('prompt') }),
      z.strictObject({ kind: z.literal('fixed'), amount: z.string(), amountMinor: z.number().optional() }),
      z.strictObject({ kind: z.literal('percentage'), percent: z.string(), basisPoints: z.number().optional() }),
    ])
    .nullish(),
  fields: tree.optional(),
  order: z.array(z.string()).max(1000).optional(),
  lengthUnit: z.enum(['characters', 'bytes']).optional(),
  valid: z.boolean().optional(),
  amountMinor: z.number().nullish(),
  crc: text,
  account: text,
  warnings: z.array(z.unknown()).optional(),
});
export type QrInput = z.infer<typeof INPUT>;

/** Writes a code. Errors name the key of the input, or the field of the code, as their path. */
export function encodeQr(input: unknown): QrResult<QrCode> {
  const parsed = INPUT.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse('badValue', issue?.path.join('.') ?? '', 0, issue?.message ?? 'the input has another form');
  }
  const { data } = parsed;
  const kind = data.kind ?? kindOf(data);
  const { profile, fields = {} } = data;
  switch (kind) {
    case 'merchant': {
      if (profile !== undefined && !isMerchantProfile(profile)) return wrongKind(profile, kind);
      const composed = composeMerchant({ ...data, profile });
      if (!composed.ok) return composed;
      return encodeMerchant({ profile, fields: composed.value, lengthUnit: data.lengthUnit });
    }
    case 'uri': {
      if (profile !== undefined && profile !== 'upi') return wrongKind(profile, kind);
      return encodeParameters(data);
    }
    case 'barcode': {
      if (profile !== undefined && !isBarcodeProfile(profile)) return wrongKind(profile, kind);
      const { digits } = fields;
      if (typeof digits !== 'string')
        return refuse('missingField', 'digits', 0, 'fields.digits, the code itself, is missing');
      return decodeBarcode(digits, profile);
    }
    case 'consumer': {
      if (profile !== undefined && profile !== 'cpm') return wrongKind(profile, kind);
      const objects = consumerFields(fields, data.order ?? Object.keys(fields), '');
      return objects.ok ? encodeConsumer(objects.value) : objects;
    }
  }
}

function kindOf({ profile, fields = {} }: QrInput): QrKind {
  if (profile === 'upi') return 'uri';
  if (profile === 'cpm') return 'consumer';
  return typeof fields.digits === 'string' ? 'barcode' : 'merchant';
}

function wrongKind(profile: string, kind: QrKind): QrResult<never> {
  return refuse('profileMismatch', 'profile', 0, `the profile ${profile} has no codes of the kind "${kind}"`);
}

function isMerchantProfile(name: string): name is MerchantProfileName {
  return Object.hasOwn(MERCHANT_PROFILES, name);
}

function isBarcodeProfile(name: string): name is BarcodeProfileName {
  return Object.hasOwn(BARCODE_PROFILES, name);
}

/** What a UPI code calls what has a name here. */
const UPI_NAMES = [
  ['merchantName', 'pn'],
  ['mcc', 'mc'],
  ['amount', 'am'],
] as const;

function encodeParameters(input: QrInput): QrResult<QrCode> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(input.fields ?? {})) {
    if (typeof value !== 'string') return refuse('badTemplate', name, 0, `parameter ${name} is text`);
    values.set(name, value);
  }
  for (const [key, name] of UPI_NAMES) {
    const value = input[key];
    if (value === undefined || value === null) continue;
    const before = values.get(name);
    if (before !== undefined && before !== value) {
      return refuse('conflict', name, 0, `${key} is "${value}", but ${name} is "${before}"`);
    }
    values.set(name, value);
  }
  if (input.amount !== undefined && input.amount !== null && !values.has('cu')) values.set('cu', 'INR');
  const order = input.order ?? [...values.keys()];
  const placed = [...values].sort(([one], [other]) => placeIn(order, one) - placeIn(order, other));
  return encodeUri(placed.map(([name, value]) => ({ name, value })));
}

/** What the order does not name comes last, as it was given. */
function placeIn(order: readonly string[], name: string): number {
  const place = order.indexOf(name);
  return place < 0 ? order.length : place;
}

/**
 * The objects of a consumer-presented code. Where a tag repeats (61), the order says how they take turns, and what stands
 * between two of them in the order is the order inside the first.
 */
function consumerFields(
  fields: InputTree,
  order: readonly string[],
  parent: string,
): QrResult<readonly ConsumerField[]> {
  const objects: ConsumerField[] = [];
  const queues = new Map(Object.entries(fields).map(([tag, value]) => [tag, queueOf(value)]));
  // What the order forgets comes behind.
  const paths = [...order, ...[...queues].flatMap(([tag, values]) => values.map(() => tag))];
  for (const [place, name] of paths.entries()) {
    const value = queues.get(name)?.shift();
    if (value === undefined) continue;
    const tag = name.toUpperCase();
    const path = parent === '' ? tag : `${parent}.${tag}`;
    if (typeof value === 'string') {
      if (!/^(?:[0-9A-Fa-f]{2})*$/.test(value)) {
        return refuse('badValue', path, 0, `tag ${path} is hexadecimal digits; masked ones (*) cannot be written`);
      }
      objects.push({ tag, value: Buffer.from(value, 'hex') });
      continue;
    }
    if (parent !== '') return refuse('badTemplate', path, 0, 'templates are one deep');
    const below = consumerFields(value, orderBelow(paths, place, name), tag);
    if (!below.ok) return below;
    objects.push({ tag, value: below.value });
  }
  return { ok: true, value: objects };
}

function queueOf(value: string | InputTree | readonly InputTree[]): (string | InputTree)[] {
  return isList(value) ? [...value] : [value];
}

function isList(value: string | InputTree | readonly InputTree[]): value is readonly InputTree[] {
  return Array.isArray(value);
}

/** The tags that follow a template in the order, up to the next object beside it. */
function orderBelow(paths: readonly string[], place: number, name: string): readonly string[] {
  const tags: string[] = [];
  for (const path of paths.slice(place + 1)) {
    if (!path.startsWith(`${name}.`)) break;
    tags.push(path.slice(name.length + 1));
  }
  return tags;
}
