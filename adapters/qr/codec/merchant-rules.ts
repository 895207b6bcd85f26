/**
 * What each field of a merchant-presented code may hold (EMVCo QRCPS-MPM 1.1, tables 3.1 to 3.9 and 4.1 to 4.7). Fields
 * are judged in the order of the text, so the first finding is the leftmost.
 */
import type { QrError } from './findings.ts';
import type { MerchantJudge } from './merchant-judge.ts';
import { countCharacters, pathOf, type TlvNode } from './merchant-text.ts';

const GUID_MAX = 32;
/** Sub-fields 01 to 08 of field 62. */
const ADDITIONAL_MAX = 25;
/** Nothing else in a code has a meaning without these. */
const NEVER_EMPTY: readonly number[] = [0, 1, 53, 58];
const COUNTRY = /^[A-Z]{2}$/;
const LANGUAGE = /^[A-Za-z]{2}$/;
/** Each letter at most once: address, mobile, e-mail. */
const CUSTOMER_DATA = /^(?!.*(.).*\1)[AME]{1,3}$/;

/** Checks one field by itself. What needs others (amounts, tips, what is missing) is checked afterwards. */
export function checkField(judge: MerchantJudge, node: TlvNode): QrError | undefined {
  const { id } = node;
  if (node.from === node.to) {
    const path = pathOf('', id);
    const message = `field ${path} has no value`;
    if (NEVER_EMPTY.includes(id)) return judge.refuse('emptyField', path, node.at, message);
    return judge.unless('emptyField', 'emptyField', path, node.at, message);
  }
  if (id === 0) return expectValue(judge, node, '00', /^01$/, '01, the only version of the format');
  if (id === 1) return expectValue(judge, node, '01', /^1[12]$/, '11 (static) or 12 (dynamic)');
  if (id <= 25) return undefined;
  if (id <= 51 || id >= 80) return checkTemplate(judge, node, pathOf('', id));
  switch (id) {
    case 52:
      return checkDigits(judge, node, 4, 'a merchant category');
    case 53:
      return checkDigits(judge, node, 3, 'the number of a currency');
    case 58:
      return expectValue(judge, node, '58', COUNTRY, 'two capital letters of ISO 3166-1');
    case 59:
      return checkLength(judge, node, '59', 25);
    case 60:
      return checkLength(judge, node, '60', 15);
    case 61:
      return checkLength(judge, node, '61', 10);
    case 62:
      return checkAdditional(judge, node);
    case 64:
      return checkLanguage(judge, node);
    default:
      break;
  }
  if (id >= 65) judge.note('reservedField', String(id), node.at, `field ${id} is reserved; it is passed over`);
  return undefined;
}

function checkDigits(
  judge: MerchantJudge,
  { id, from, to }: TlvNode,
  length: number,
  what: string,
): QrError | undefined {
  if (to - from === length) {
    let at = from;
    for (; at < to; at++) {
      const unit = judge.text.charCodeAt(at);
      if (unit < 0x30 || unit > 0x39) break;
    }
    if (at === to) return undefined;
  }
  return judge.refuse(
    'badValue',
    String(id),
    from,
    `${what} has ${length} digits, not "${judge.text.slice(from, to)}"`,
  );
}

function expectValue(
  judge: MerchantJudge,
  { from, to }: TlvNode,
  path: string,
  pattern: RegExp,
  expected: string,
): QrError | undefined {
  const value = judge.text.slice(from, to);
  if (pattern.test(value)) return undefined;
  return judge.refuse('badValue', path, from, `field ${path} is ${expected}, not "${value}"`);
}

function checkLength(judge: MerchantJudge, node: TlvNode, path: string, max: number): QrError | undefined {
  if (node.to - node.from <= max) return undefined;
  const length = countCharacters(judge.text, node.from, node.to);
  if (length <= max) return undefined;
  const message = `field ${path} has ${length} characters; the standard allows ${max}`;
  return judge.unless('longValue', 'longValue', path, node.from, message);
}

/** A template that opens with the identifier of whoever defined it: accounts, 80 to 99, and 50 to 99 of field 62. */
function checkTemplate(judge: MerchantJudge, node: TlvNode, path: string): QrError | undefined {
  if (node.parts === undefined) return badTemplate(judge, node, path);
  const guid = partOf(node, 0);
  if (guid === undefined || guid.from === guid.to) {
    const message = `template ${path} does not say whose it is: ${path}.00 is missing`;
    return judge.unless('badTemplate', 'missingField', `${path}.00`, node.at, message);
  }
  if (guid.to - guid.from > GUID_MAX) {
    const length = countCharacters(judge.text, guid.from, guid.to);
    const message = `identifier ${path}.00 has ${length} characters; the standard allows ${GUID_MAX}`;
    if (length > GUID_MAX) return judge.unless('badTemplate', 'longValue', `${path}.00`, guid.from, message);
  }
  return undefined;
}

function badTemplate(judge: MerchantJudge, node: TlvNode, path: string): QrError | undefined {
  const { fault } = node;
  if (fault === undefined) return undefined;
  // The inner fault says what is wrong, where in the template it is.
  if (!judge.profile.lenient.includes('badTemplate')) {
    return judge.refuse(fault.code, fault.path, fault.at, fault.message);
  }
  const message = `${path} does not hold fields (${fault.message}); it is kept as text`;
  return judge.unless('badTemplate', 'badTemplate', path, fault.at, message);
}

/** Field 62: what the merchant wants to see again, or to know. */
function checkAdditional(judge: MerchantJudge, node: TlvNode): QrError | undefined {
  if (node.parts === undefined) return badTemplate(judge, node, '62');
  for (const part of node.parts) {
    const problem = checkAdditionalPart(judge, part, pathOf('62', part.id));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkAdditionalPart(judge: MerchantJudge, part: TlvNode, path: string): QrError | undefined {
  if (part.from === part.to) {
    return judge.unless('emptyField', 'emptyField', path, part.at, `field ${path} has no value`);
  }
  if (part.id >= 50) return checkTemplate(judge, part, path);
  if (part.id === 0 || part.id >= 10) {
    judge.note('reservedField', path, part.at, `field ${path} is reserved; it is passed over`);
    return undefined;
  }
  if (part.id === 9) return expectValue(judge, part, path, CUSTOMER_DATA, 'letters out of A, M and E, each once');
  return checkLength(judge, part, path, ADDITIONAL_MAX);
}

/** Field 64: name and city in another language. */
function checkLanguage(judge: MerchantJudge, node: TlvNode): QrError | undefined {
  if (node.parts === undefined) return badTemplate(judge, node, '64');
  const language = partOf(node, 0);
  const name = partOf(node, 1);
  const city = partOf(node, 2);
  if (language === undefined) {
    return judge.refuse('missingField', '64.00', node.at, 'template 64 does not say its language: 64.00 is missing');
  }
  if (name === undefined) {
    return judge.refuse('missingField', '64.01', node.at, 'template 64 has no name: 64.01 is missing');
  }
  return (
    expectValue(judge, language, '64.00', LANGUAGE, 'two letters of ISO 639') ??
    checkFilled(judge, name, '64.01', 25) ??
    (city === undefined ? undefined : checkFilled(judge, city, '64.02', 15))
  );
}

function checkFilled(judge: MerchantJudge, node: TlvNode, path: string, max: number): QrError | undefined {
  if (node.from === node.to) {
    return judge.unless('emptyField', 'emptyField', path, node.at, `field ${path} has no value`);
  }
  return checkLength(judge, node, path, max);
}

export function partOf(node: TlvNode, id: number): TlvNode | undefined {
  return node.parts?.find((part) => part.id === id);
}
