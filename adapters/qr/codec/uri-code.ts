/**
 * UPI's codes: a URI `upi://pay?pa=…&pn=…&am=…` (NPCI, UPI linking specification 1.6). Parameters are kept in their order,
 * those that are not known too, and as they were escaped: the signature is over the text.
 */
import { readAmountText } from './amount-text.ts';
import { charactersBefore, type QrError, type QrResult, type QrWarning, refuse } from './findings.ts';
import { badCharacter } from './merchant-decode.ts';
import { checkText, QR_LENGTH_MAX } from './merchant-text.ts';

const START = /^upi:\/\/pay\/?\?/i;
const ADDRESS = /^[A-Za-z0-9._-]{1,255}@[A-Za-z0-9.-]{1,64}$/;
const NAME = /^[A-Za-z0-9_-]{1,32}$/;
const CATEGORY = /^\d{4}$/;
const RUPEE = 'INR';
const RUPEE_NUMBER = '356';
const RUPEE_DECIMALS = 2;
/** `mode`: how the payment is started. */
const STATIC_MODES: readonly string[] = ['01', '02'];
const DYNAMIC_MODES: readonly string[] = ['15', '16', '22'];

export interface UriParameter {
  readonly name: string;
  readonly value: string;
  /** As it stands in the text; a writer makes it when it is absent. */
  readonly raw?: string | undefined;
}

export interface UriCode {
  readonly kind: 'uri';
  readonly profile: 'upi';
  readonly pointOfInitiation: 'static' | 'dynamic' | null;
  readonly amount: string | null;
  readonly amountMinor: number | null;
  readonly currency: string;
  readonly merchantName: string;
  readonly mcc: string | null;
  /** Who is paid, `name@provider`. */
  readonly address: string;
  readonly isSigned: boolean;
  readonly parameters: readonly UriParameter[];
  readonly warnings: readonly QrWarning[];
  readonly text: string;
}

interface Placed extends UriParameter {
  /** Index of the value in the text. */
  readonly at: number;
}

export function decodeUri(text: string): QrResult<UriCode> {
  if (text.length > QR_LENGTH_MAX) {
    return refuse('tooLong', '', QR_LENGTH_MAX, `a code has at most ${QR_LENGTH_MAX} characters, not ${text.length}`);
  }
  const { badAt } = checkText(text);
  if (badAt >= 0) return badCharacter(text, badAt);
  const start = START.exec(text);
  if (start === null) return refuse('unknownFormat', '', 0, 'a UPI code begins with upi://pay?');
  const parameters = readParameters(text, start[0].length);
  return 'code' in parameters ? { ok: false, error: parameters } : readUri(text, parameters);
}

/** Reads `name=value&…`. A plus sign is one: only %20 is a space. */
function readParameters(text: string, from: number): Placed[] | QrError {
  const parameters: Placed[] = [];
  let at = from;
  for (const pair of text.slice(from).split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const place = at + name.length + 1;
    const offset = charactersBefore(text, at);
    at += pair.length + 1;
    if (!NAME.test(name)) {
      return { code: 'badId', path: '', offset, message: 'a parameter is written name=value' };
    }
    if (parameters.some((parameter) => parameter.name === name)) {
      return { code: 'duplicateField', path: name, offset, message: `parameter ${name} is there twice` };
    }
    const raw = equals < 0 ? '' : pair.slice(equals + 1);
    const value = unescaped(raw);
    if (value === undefined) {
      const message = `the value of ${name} is not percent-encoded UTF-8`;
      return { code: 'badEscape', path: name, offset: charactersBefore(text, place), message };
    }
    const { badAt } = checkText(value);
    if (badAt >= 0) {
      const message = `the value of ${name} holds a character that may not be in a code`;
      return { code: 'badCharacter', path: name, offset: charactersBefore(text, place), message };
    }
    parameters.push({ name, value, raw, at: place });
  }
  return parameters;
}

function unescaped(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

function readUri(text: string, parameters: readonly Placed[]): QrResult<UriCode> {
  const warnings: QrWarning[] = [];
  const fail = (code: QrError['code'], path: string, at: number, message: string): QrResult<never> =>
    refuse(code, path, charactersBefore(text, at), message);
  const find = (name: string): Placed | undefined =>
    parameters.find((parameter) => parameter.name === name && parameter.value !== '');
  for (const { name, value, at } of parameters) {
    if (value !== '') continue;
    const offset = charactersBefore(text, at);
    warnings.push({ code: 'emptyField', path: name, offset, message: `parameter ${name} has no value` });
  }
  const payee = find('pa');
  const payeeName = find('pn');
  if (payee === undefined) return fail('missingField', 'pa', text.length, 'pa, the address of the payee, is missing');
  if (!ADDRESS.test(payee.value)) return fail('badValue', 'pa', payee.at, 'an address is written name@provider');
  if (payeeName === undefined) return fail('missingField', 'pn', text.length, 'pn, the name of the payee, is missing');
  const currency = find('cu');
  if (currency !== undefined && currency.value !== RUPEE) {
    return fail('badCurrency', 'cu', currency.at, `UPI pays in ${RUPEE}, not in "${currency.value}"`);
  }
  const category = find('mc');
  if (category !== undefined && !CATEGORY.test(category.value)) {
    return fail('badValue', 'mc', category.at, `a merchant category has 4 digits, not "${category.value}"`);
  }
  let amountMinor: number | null = null;
  for (const name of ['am', 'mam']) {
    const amount = find(name);
    if (amount === undefined) continue;
    const { value, at } = amount;
    const reading = readAmountText(value, 0, value.length, RUPEE_DECIMALS);
    if (!reading.ok) return fail(reading.code, name, at + reading.at, `"${value}": ${reading.message}`);
    if (reading.minor === 0) {
      const message = `the amount is "${value}": the payer is asked`;
      warnings.push({ code: 'zeroAmount', path: name, offset: charactersBefore(text, at), message });
    }
    if (name === 'am') amountMinor = reading.minor;
  }
  const signature = find('sign');
  if (signature !== undefined && parameters.at(-1) !== signature) {
    const message = 'sign is not the last parameter: what stands behind it is not signed';
    warnings.push({ code: 'wrongOrder', path: 'sign', offset: charactersBefore(text, signature.at), message });
  }
  const mode = find('mode')?.value ?? '';
  return {
    ok: true,
    value: {
      kind: 'uri',
      profile: 'upi',
      pointOfInitiation: STATIC_MODES.includes(mode) ? 'static' : DYNAMIC_MODES.includes(mode) ? 'dynamic' : null,
      amount: find('am')?.value ?? null,
      amountMinor,
      currency: RUPEE_NUMBER,
      merchantName: payeeName.value,
      mcc: category?.value ?? null,
      address: payee.value,
      isSigned: signature !== undefined,
      parameters: parameters.map(({ name, value, raw }) => ({ name, value, raw })),
      warnings,
      text,
    },
  };
}

/** Writes a URI, and reads it again. A raw value that stands for the value is kept. */
export function encodeUri(parameters: readonly UriParameter[]): QrResult<UriCode> {
  const pairs: string[] = [];
  for (const { name, value, raw } of parameters) {
    if (!NAME.test(name)) return refuse('badId', name, 0, `"${name}" is not the name of a parameter`);
    if (checkText(value).badAt >= 0) {
      return refuse('badCharacter', name, 0, `the value of ${name} holds a character that may not be in a code`);
    }
    const isKept = raw !== undefined && !raw.includes('&') && unescaped(raw) === value;
    // An @ needs no escape in a query (RFC 3986, 3.4), and some readers take none.
    pairs.push(`${name}=${isKept ? raw : encodeURIComponent(value).replaceAll('%40', '@')}`);
  }
  return decodeUri(`upi://pay?${pairs.join('&')}`);
}
