/** A message as names and texts for people and JSON, with what must not be seen hidden, and back. */
import { isConstructed, parseTag, parseTlv, Tlv, tagName } from '../tlv/tlv.ts';
import type { CompiledBody, CompiledField, CompiledSpec, Mask } from './compile-spec.ts';
import { innerFields } from './decode.ts';
import { FieldSet, Message } from './message.ts';
import type { Iso8583Problem } from './problem.ts';

/** Text; tags or inner fields by name, in their order; the values of a tag that is there more than once. */
export type ViewValue = string | ViewMap | readonly string[];
export type ViewMap = Map<string, ViewValue>;

/** Track 2 and its discretionary data, track 1, PIN data; 5A is the PAN (EMV 4.3 book 3, annex A). */
const TAG_MASKS: ReadonlyMap<number, Mask> = new Map([
  [0x57, 'all'],
  [0x56, 'all'],
  [0x9f6b, 'all'],
  [0x9f1f, 'all'],
  [0x9f20, 'all'],
  [0x99, 'all'],
  [0x5a, 'pan'],
]);

/** Fields by number. Masked unless `unmasked`: a PAN shows first 6 and last 4, everything else that is secret nothing. */
export function viewFields(fields: FieldSet, unmasked: boolean): ViewMap {
  const view: ViewMap = new Map();
  for (const number of fields.numbers()) {
    const field = fields.body.fields[number];
    if (field !== undefined) view.set(String(number), viewField(fields, field, unmasked));
  }
  return view;
}

function viewField(fields: FieldSet, field: CompiledField, unmasked: boolean): ViewValue {
  const text = fields.text(field.number) ?? '';
  if (field.mask !== 'none' && !unmasked) return masked(text, field.mask);
  if (field.type === 'tlv') {
    return (
      viewTags(fields.bytes(field.number) ?? new Uint8Array(0), unmasked, field.showsTlvText) ?? masked(text, 'all')
    );
  }
  const inner = field.type === 'fields' ? innerFields(fields, field.number) : undefined;
  return inner === undefined ? text : viewFields(inner, unmasked);
}

/** `undefined` when the bytes are no BER-TLV. */
function viewTags(bytes: Uint8Array, unmasked: boolean, asText: boolean): ViewMap | undefined {
  const result = parseTlv(bytes);
  if (!result.ok) return undefined;
  const view: ViewMap = new Map();
  for (const [tag, value] of result.tlv.entries()) {
    const mask = unmasked ? 'none' : tagMask(tag, value);
    const text = Buffer.from(value).toString(asText ? 'latin1' : 'hex');
    const shown = masked(asText ? text : text.toUpperCase(), mask);
    const before = view.get(tagName(tag));
    view.set(tagName(tag), before === undefined ? shown : [...(Array.isArray(before) ? before : [before]), shown]);
  }
  return view;
}

/** A template is hidden as a whole when anything in it is secret, or when it cannot be read. */
function tagMask(tag: number, value: Uint8Array): Mask {
  const own = TAG_MASKS.get(tag);
  if (own !== undefined || !isConstructed(tag)) return own ?? 'none';
  const inner = parseTlv(value);
  if (!inner.ok) return 'all';
  return [...inner.tlv.entries()].some(([tag, value]) => tagMask(tag, value) !== 'none') ? 'all' : 'none';
}

/** The text with stars; the padding F of a PAN in hex does not count as a digit. */
export function masked(text: string, mask: Mask): string {
  if (mask === 'none') return text;
  const digits = text.replace(/F+$/, '');
  if (mask === 'all' || digits.length < 13) return '*'.repeat(text.length);
  return digits.slice(0, 6) + '*'.repeat(digits.length - 10) + digits.slice(-4) + text.slice(digits.length);
}

export type Viewed =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: Pick<Iso8583Problem, 'field' | 'expected' | 'found'> };

/** The message that a view describes; unlike `Message.set` it says at once what is no value. */
export function messageOf(spec: CompiledSpec, mti: string, view: ReadonlyMap<unknown, unknown>): Viewed {
  const message = new Message(spec, mti);
  const problem = fill(message, spec.body, view);
  return problem === undefined ? { ok: true, message } : { ok: false, problem };
}

type ViewProblem = Pick<Iso8583Problem, 'field' | 'expected' | 'found'>;

function fill(target: FieldSet, body: CompiledBody, view: ReadonlyMap<unknown, unknown>): ViewProblem | undefined {
  for (const [key, value] of view) {
    const number = Number(key);
    const field = body.fields[number];
    if (field === undefined)
      return { field: String(key), expected: 'a field of the specification', found: 'another name' };
    if (typeof value === 'string') {
      target.set(number, value);
    } else if (value instanceof Map && field.inner !== undefined) {
      const inner = new FieldSet(field.inner);
      const problem = fill(inner, field.inner, value);
      if (problem !== undefined) return { ...problem, field: `${field.path}.${problem.field}` };
      target.set(number, inner);
    } else if (value instanceof Map && field.type === 'tlv') {
      const bytes = tagsOf(field, value);
      if (!(bytes instanceof Uint8Array)) return bytes;
      target.set(number, bytes);
    } else {
      const expected = field.inner !== undefined || field.type === 'tlv' ? 'a string or an object' : 'a string';
      return { field: field.path, expected, found: value === null ? 'null' : typeof value };
    }
  }
  return undefined;
}

function tagsOf(field: CompiledField, view: ReadonlyMap<unknown, unknown>): Uint8Array | ViewProblem {
  const tlv = new Tlv();
  for (const [key, value] of view) {
    const path = `${field.path}.${key}`;
    const tag = parseTag(String(key));
    if (tag === undefined) return { field: path, expected: 'a tag in hex', found: 'another name' };
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text !== 'string') return { field: path, expected: 'a string', found: typeof text };
      const isHex = /^(?:[0-9a-f]{2})*$/i.test(text);
      if (!field.showsTlvText && !isHex) return { field: path, expected: 'bytes in hex', found: 'other text' };
      tlv.add(tag, Buffer.from(text, field.showsTlvText ? 'latin1' : 'hex'));
    }
  }
  return tlv.encode();
}
