/** The part of reading a merchant-presented code that depends on the profile of its scheme. */
import type { Detected } from './detect-merchant.ts';
import type { QrError, QrResult } from './findings.ts';
import { readAmounts } from './merchant-amounts.ts';
import type { MerchantCode } from './merchant-code.ts';
import { MerchantJudge } from './merchant-judge.ts';
import { checkField, partOf } from './merchant-rules.ts';
import { type LengthUnit, pathOf, type TlvNode, type TlvReader } from './merchant-text.ts';
import { MERCHANT_PROFILES, type SchemeProfile } from './profiles.ts';

const IDS = 100;
const CRC = 63;
/** EMVCo's mandatory fields, without 00 and 63, whose places are fixed. */
const MANDATORY = [
  [52, 'the category of the merchant'],
  [53, 'the currency'],
  [58, 'the country'],
  [59, 'the name of the merchant'],
  [60, 'the city of the merchant'],
] as const;

/** A text whose outer form was found good. */
export interface MerchantTree {
  readonly text: string;
  /** Some characters are two UTF-16 units. */
  readonly hasPairs: boolean;
  readonly nodes: readonly TlvNode[];
  /** What the lengths count. */
  readonly unit: LengthUnit;
  readonly reader: TlvReader;
}

type Fields = readonly (TlvNode | undefined)[];

export function readMerchant(tree: MerchantTree, detected: Detected): QrResult<MerchantCode> {
  const { text } = tree;
  const profile: SchemeProfile = MERCHANT_PROFILES[detected.profile];
  const judge = new MerchantJudge(text, tree.hasPairs, profile);
  const fields = new Array<TlvNode | undefined>(IDS).fill(undefined);
  let error = checkUnit(judge, tree.unit);
  let hasAccount = false;
  for (const node of tree.nodes) {
    fields[node.id] = node;
    hasAccount ||= node.id >= 2 && node.id <= 51;
    error ??= node.id === CRC ? checkCrcCase(judge, node) : checkField(judge, node);
  }
  error ??= checkMissing(judge, fields, hasAccount);
  if (error !== undefined) return { ok: false, error };
  const account = readAccount(judge, tree, detected);
  if (account.error !== undefined) return { ok: false, error: account.error };
  const crc = fields[CRC] as TlvNode;
  const currency = fields[53] as TlvNode;
  const amounts = readAmounts(judge, {
    currency,
    amount: fields[54],
    tipIndicator: fields[55],
    tipFixed: fields[56],
    tipPercentage: fields[57],
  });
  if (amounts.error !== undefined) return { ok: false, error: amounts.error };
  noteForeign(judge, fields);
  const initiation = fields[1];
  return {
    ok: true,
    value: {
      kind: 'merchant',
      profile: detected.profile,
      // Checked to be 11 or 12.
      pointOfInitiation: initiation === undefined ? null : text[initiation.from + 1] === '1' ? 'static' : 'dynamic',
      amount: readValue(text, fields[54]),
      amountMinor: amounts.amountMinor,
      currency: text.slice(currency.from, currency.to),
      country: readValue(text, fields[58]),
      merchantName: readValue(text, fields[59]),
      merchantCity: readValue(text, fields[60]),
      postalCode: readValue(text, fields[61]),
      mcc: readValue(text, fields[52]),
      tip: amounts.tip,
      crc: text.slice(crc.from, crc.to),
      account: detected.account === undefined ? null : pathOf('', detected.account.id),
      warnings: judge.warnings,
      text,
      lengthUnit: tree.unit,
      nodes: account.nodes,
    },
  };
}

function readValue(text: string, node: TlvNode | undefined): string | null {
  return node === undefined || node.from === node.to ? null : text.slice(node.from, node.to);
}

function checkUnit(judge: MerchantJudge, unit: LengthUnit): QrError | undefined {
  if (unit === 'characters') return undefined;
  const message = 'the lengths count bytes; the standard counts characters';
  return judge.unless('byteLengths', 'byteLengths', '', 0, message);
}

function checkCrcCase(judge: MerchantJudge, { from, to }: TlvNode): QrError | undefined {
  for (let at = from; at < to; at++) {
    if (judge.text.charCodeAt(at) >= 0x61) {
      const message = 'the checksum has lower-case letters; the standard has capitals';
      return judge.unless('lowerCaseCrc', 'lowerCaseCrc', '63', at, message);
    }
  }
  return undefined;
}

function checkMissing(judge: MerchantJudge, fields: Fields, hasAccount: boolean): QrError | undefined {
  const end = fields[CRC]?.at ?? judge.text.length;
  if (!hasAccount) {
    return judge.refuse('missingField', '', end, 'there is no merchant account: one of the fields 02 to 51 is needed');
  }
  for (const [id, what] of MANDATORY) {
    if (fields[id] !== undefined) continue;
    const error = judge.missing(id, end, `field ${id}, ${what}, is missing`);
    if (error !== undefined) return error;
  }
  return undefined;
}

type AccountReading = { readonly error: QrError } | { readonly error?: undefined; readonly nodes: readonly TlvNode[] };

/** What the scheme demands of its own account template. Answers all fields, with the templates inside that one. */
function readAccount(judge: MerchantJudge, tree: MerchantTree, { account, form }: Detected): AccountReading {
  if (account === undefined || form === undefined) return { nodes: tree.nodes };
  const path = pathOf('', account.id);
  const valueIn = (id: string): string | null => readValue(tree.text, partOf(account, Number(id)));
  const { payeeIn, forms = {}, templates } = form;
  if (payeeIn?.every((id) => valueIn(id) === null)) {
    const which = payeeIn.map((id) => `${path}.${id}`).join(', ');
    const message = `the account does not say who is paid: ${payeeIn.length === 1 ? which : `one of ${which}`} is missing`;
    return { error: judge.refuse('missingField', `${path}.${payeeIn[0]}`, account.at, message) };
  }
  for (const [id, { pattern, expected }] of Object.entries(forms)) {
    const value = valueIn(id);
    const place = `${path}.${id}`;
    if (value === null) {
      return { error: judge.refuse('missingField', place, account.at, `field ${place} is missing: ${expected}`) };
    }
    if (pattern.test(value)) continue;
    const at = partOf(account, Number(id))?.from ?? account.at;
    return { error: judge.refuse('badValue', place, at, `field ${place} is ${expected}, not "${value}"`) };
  }
  return templates === undefined ? { nodes: tree.nodes } : readInner(judge, tree, account, templates);
}

function readInner(
  judge: MerchantJudge,
  tree: MerchantTree,
  account: TlvNode,
  templates: readonly string[],
): AccountReading {
  const parts: TlvNode[] = [];
  for (const part of account.parts ?? []) {
    const path = pathOf(pathOf('', account.id), part.id);
    if (!templates.includes(pathOf('', part.id))) {
      parts.push(part);
      continue;
    }
    const inner = tree.reader.readInner(part, path);
    if (inner !== undefined) {
      parts.push({ ...part, parts: inner });
      continue;
    }
    const {
      code,
      path: place,
      at,
      message,
    } = tree.reader.fault ?? { code: 'badTemplate', path, at: part.at, message: '' };
    return { error: judge.refuse(code, place, at, message) };
  }
  return { nodes: tree.nodes.map((node) => (node === account ? { ...account, parts } : node)) };
}

/** A code of one scheme with the country or currency of another may be right, and deserves a look. */
function noteForeign(judge: MerchantJudge, fields: Fields): void {
  const { profile, text } = judge;
  const country = fields[58];
  const currency = fields[53];
  if (country !== undefined && profile.country !== undefined && !isValue(text, country, profile.country)) {
    const found = text.slice(country.from, country.to);
    judge.note('foreignCountry', '58', country.from, `${profile.title} with the country ${found}`);
  }
  if (currency === undefined || profile.currencies === undefined) return;
  if (!profile.currencies.some((number) => isValue(text, currency, number))) {
    const found = text.slice(currency.from, currency.to);
    judge.note('foreignCurrency', '53', currency.from, `${profile.title} with the currency ${found}`);
  }
}

function isValue(text: string, { from, to }: TlvNode, value: string): boolean {
  return to - from === value.length && text.startsWith(value, from);
}
