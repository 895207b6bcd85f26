/**
 * Consumer-presented codes: what a payer shows (EMVCo QRCPS-CPM 1.1).
 *
 *     code = Base64( 85 "CPV01"  61…  [62]  other… )
 *     61   = 4F (application, 5 to 16 bytes), 57 or 5A (account), other…, 63 (the application's own)
 *     62   = what all applications have in common, 64 (its own)
 *
 * The contents of 63 and 64 and all tags that are not named here are kept as they are. There is no checksum.
 */
import { type BerNode, type BerObject, hex, isTag, readBer, writeBer } from './ber-tlv.ts';
import { hasCheckDigit } from '../../../protocol/check-digit.ts';
import { type QrErrorCode, type QrResult, type QrWarning, refuse } from './findings.ts';
import { QR_LENGTH_MAX } from './merchant-text.ts';

/** Base64 of 85 05 and the letters CPV. */
export const CONSUMER_START = 'hQVDUFY';

const FORMAT_TAG = '85';
const FORMAT = 'CPV01';
const APPLICATION_TAG = '61';
const COMMON_TAG = '62';
const AID_TAG = '4F';
const TRACK2_TAG = '57';
const PAN_TAG = '5A';
const AID_BYTES = { min: 5, max: 16 };
/** Hexadecimal digits of a track 2 equivalent: account, separator, expiry, service code, what the issuer adds. */
const TRACK2 = /^(\d{8,19})D\d{7}\d*F?$/;
const TRACK2_BYTES_MAX = 19;
const PAN = /^(\d{8,19})F?$/;

/** An object of the code: bytes, or further objects. */
export interface ConsumerField {
  /** Upper-case hexadecimal. */
  readonly tag: string;
  readonly value: Uint8Array | readonly ConsumerField[];
}

export interface ConsumerCode {
  readonly kind: 'consumer';
  readonly profile: 'cpm';
  /** Identifiers of the applications that may pay, in the payer's order of preference; hexadecimal. */
  readonly applications: readonly string[];
  /** Whole: account numbers and tracks are in it. Show `maskedValue`. */
  readonly fields: readonly ConsumerField[];
  readonly warnings: readonly QrWarning[];
  readonly text: string;
}

export function decodeConsumer(text: string): QrResult<ConsumerCode> {
  if (text.length > QR_LENGTH_MAX) {
    return refuse('tooLong', '', QR_LENGTH_MAX, `a code has at most ${QR_LENGTH_MAX} characters, not ${text.length}`);
  }
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  if (canonical !== text) {
    let at = 0;
    while (at < text.length && text[at] === canonical[at]) at++;
    return refuse(
      'badBase64',
      '',
      at,
      'this is not Base64: letters, digits, + and /, filled up to groups of four with =',
    );
  }
  return new ConsumerReader(text).read(bytes);
}

class ConsumerReader {
  readonly #text: string;
  readonly #warnings: QrWarning[] = [];
  readonly #applications: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(bytes: Uint8Array): QrResult<ConsumerCode> {
    const reading = readBer(bytes, 0);
    if (!reading.ok) return this.#fail(reading.code, '', reading.at, reading.message);
    const { nodes } = reading;
    const problem = this.#checkOrder(nodes);
    if (problem !== undefined) return problem;
    const fields: ConsumerField[] = [];
    const inside: (readonly BerNode[])[] = [];
    for (const node of nodes) {
      if (node.tag !== APPLICATION_TAG && node.tag !== COMMON_TAG) {
        fields.push(node);
        continue;
      }
      const inner = readBer(node.value, node.value.byteOffset - bytes.byteOffset);
      if (!inner.ok) return this.#fail(inner.code, node.tag, inner.at, inner.message);
      const twice = inner.nodes.find(({ tag }, index) => inner.nodes.findIndex((other) => other.tag === tag) < index);
      if (twice !== undefined) {
        const path = `${node.tag}.${twice.tag}`;
        return this.#fail('duplicateField', path, twice.at, `tag ${path} is there twice`);
      }
      fields.push({ tag: node.tag, value: inner.nodes });
      inside.push(inner.nodes);
    }
    const common = nodes.findIndex(({ tag }) => tag === COMMON_TAG);
    const hasCommonAccount = hasAccount(fields[common]?.value);
    let template = 0;
    for (const node of nodes) {
      if (node.tag !== APPLICATION_TAG && node.tag !== COMMON_TAG) continue;
      const wrong = this.#checkTemplate(node, inside[template++] ?? [], hasCommonAccount);
      if (wrong !== undefined) return wrong;
    }
    return {
      ok: true,
      value: {
        kind: 'consumer',
        profile: 'cpm',
        applications: this.#applications,
        fields,
        warnings: this.#warnings,
        text: this.#text,
      },
    };
  }

  #checkOrder(nodes: readonly BerNode[]): QrResult<never> | undefined {
    const [format, ...rest] = nodes;
    if (format === undefined) return this.#fail('empty', '', 0, 'there is nothing to read');
    if (format.tag !== FORMAT_TAG) {
      return this.#fail('wrongOrder', format.tag, 0, `a code begins with tag ${FORMAT_TAG}, not with ${format.tag}`);
    }
    if (Buffer.from(format.value).toString('latin1') !== FORMAT) {
      return this.#fail('badValue', FORMAT_TAG, format.at, `tag ${FORMAT_TAG} is ${FORMAT}, the only version there is`);
    }
    for (const [index, { tag, at }] of rest.entries()) {
      const isRepeated = tag !== APPLICATION_TAG && nodes.findIndex((other) => other.tag === tag) <= index;
      if (isRepeated) return this.#fail('duplicateField', tag, at, `tag ${tag} is there twice`);
    }
    if (rest.some(({ tag }) => tag === APPLICATION_TAG)) return undefined;
    const message = `there is no application: one template ${APPLICATION_TAG} at least is needed`;
    return this.#fail('missingField', APPLICATION_TAG, 0, message);
  }

  #checkTemplate(template: BerNode, nodes: readonly BerNode[], hasCommonAccount: boolean): QrResult<never> | undefined {
    const { tag, at } = template;
    const aid = nodes.find((node) => node.tag === AID_TAG);
    if (tag === APPLICATION_TAG && aid === undefined) {
      return this.#fail('missingField', `${tag}.${AID_TAG}`, at, `the application has no identifier, tag ${AID_TAG}`);
    }
    if (aid !== undefined) {
      const { length } = aid.value;
      if (length < AID_BYTES.min || length > AID_BYTES.max) {
        const message = `an application identifier has ${AID_BYTES.min} to ${AID_BYTES.max} bytes, not ${length}`;
        return this.#fail('badLength', `${tag}.${AID_TAG}`, aid.at, message);
      }
      this.#applications.push(hex(aid.value));
    }
    if (tag === APPLICATION_TAG && !hasCommonAccount && !hasAccount(nodes)) {
      const message = `the application has no account: tag ${TRACK2_TAG} or ${PAN_TAG} is needed`;
      return this.#fail('missingField', `${tag}.${PAN_TAG}`, at, message);
    }
    for (const node of nodes) {
      if (node.tag !== TRACK2_TAG && node.tag !== PAN_TAG) continue;
      const pan = panOf(node.tag, node.value);
      const path = `${tag}.${node.tag}`;
      if (pan === undefined)
        return this.#fail('badValue', path, node.at, `tag ${path} does not have the form of an account`);
      if (!hasCheckDigit(pan)) {
        const message = 'the check digit of the account number does not belong to the others';
        this.#warnings.push({ code: 'badCheckDigit', path, offset: placeOf(node.at), message });
      }
    }
    return undefined;
  }

  #fail(code: QrErrorCode, path: string, at: number, message: string): QrResult<never> {
    return refuse(code, path, placeOf(at), message);
  }
}

/** The character in which a byte begins: three bytes are four characters. */
function placeOf(byte: number): number {
  return Math.floor((byte * 4) / 3);
}

function hasAccount(fields: ConsumerField['value'] | undefined): boolean {
  if (fields === undefined || fields instanceof Uint8Array) return false;
  return fields.some(({ tag }) => tag === TRACK2_TAG || tag === PAN_TAG);
}

/** The account number in a track 2 equivalent (57) or by itself (5A). */
function panOf(tag: string, value: Uint8Array): string | undefined {
  if (value.length > TRACK2_BYTES_MAX) return undefined;
  return (tag === TRACK2_TAG ? TRACK2 : PAN).exec(hex(value))?.[1];
}

/** Tracks, whole or in parts, and PIN data: never shown. */
const SECRET_TAGS: readonly string[] = ['56', '99', '9F1F', '9F20', '9F6B'];

/** A value as it may be shown and kept: hexadecimal; of account numbers the first six and last four digits; no tracks. */
export function maskedValue(tag: string, value: Uint8Array): string {
  if (SECRET_TAGS.includes(tag)) return '*'.repeat(value.length * 2);
  if (tag !== TRACK2_TAG && tag !== PAN_TAG) return hex(value);
  const pan = panOf(tag, value);
  if (pan === undefined) return '*'.repeat(value.length * 2);
  return `${pan.slice(0, 6)}${'*'.repeat(Math.max(pan.length - 10, 0))}${pan.length > 10 ? pan.slice(-4) : ''}`;
}

/** Writes a code, and reads it again: what comes out can be paid. */
export function encodeConsumer(fields: readonly ConsumerField[]): QrResult<ConsumerCode> {
  const objects: BerObject[] = [];
  for (const { tag, value } of fields) {
    if (value instanceof Uint8Array) {
      if (!isTag(tag)) return refuse('badId', tag, 0, `"${tag}" is not a tag in hexadecimal digits`);
      objects.push({ tag, value });
      continue;
    }
    const inner: BerObject[] = [];
    for (const part of value) {
      const path = `${tag}.${part.tag}`;
      if (!isTag(part.tag)) return refuse('badId', path, 0, `"${part.tag}" is not a tag in hexadecimal digits`);
      if (!(part.value instanceof Uint8Array)) return refuse('badTemplate', path, 0, 'templates are one deep');
      inner.push({ tag: part.tag, value: part.value });
    }
    if (!isTag(tag)) return refuse('badId', tag, 0, `"${tag}" is not a tag in hexadecimal digits`);
    objects.push({ tag, value: writeBer(inner) });
  }
  return decodeConsumer(Buffer.from(writeBer(objects)).toString('base64'));
}
