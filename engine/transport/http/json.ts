/**
 * JSON (RFC 8259) read strictly, for money: what `JSON.parse` loses or lets pass is a fault here. Numbers are whole;
 * those beyond 2^53 − 1 arrive as bigint and keep their value. A key may come once. Depth and members are bounded.
 */

export interface JsonFault {
  /** What is wrong, for a developer. */
  readonly detail: string;
  /** The field that holds it, as `items.0.amount`; empty at the top. */
  readonly field: string;
  /** Where in the text, in UTF-16 units from 0. */
  readonly position: number;
  /** The text is well-formed JSON but its strings are not Unicode. */
  readonly notUnicode: boolean;
}

export type JsonResult = { readonly value: unknown } | { readonly fault: JsonFault };

const DEPTH_MAX = 16;
const MEMBERS_MAX = 64;
const NUMBER_CHARACTERS_MAX = 40;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

export function parseJson(text: string): JsonResult {
  const reader = new Reader(text);
  const value = reader.document();
  return reader.fault === undefined ? { value } : { fault: reader.fault };
}

/** Recursive descent; after a fault every method returns at once. */
class Reader {
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;
  fault: JsonFault | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    this.#space();
    const value = this.#value(0);
    if (this.fault !== undefined) return undefined;
    this.#space();
    return this.#at === this.#text.length ? value : this.#fail('something follows the end of the document');
  }

  #value(depth: number): unknown {
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x22: // "
        return this.#string();
      case 0x7b: // {
        return depth < DEPTH_MAX ? this.#object(depth + 1) : this.#fail(`nested deeper than ${DEPTH_MAX}`);
      case 0x5b: // [
        return depth < DEPTH_MAX ? this.#array(depth + 1) : this.#fail(`nested deeper than ${DEPTH_MAX}`);
      case 0x74: // t
        return this.#word('true', true);
      case 0x66: // f
        return this.#word('false', false);
      case 0x6e: // n
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): unknown {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#space();
    if (this.#take(0x7d)) return object;
    for (let members = 1; ; members++) {
      if (this.#text.charCodeAt(this.#at) !== 0x22) return this.#fail('a field name in double quotes is expected');
      const start = this.#at;
      const key = this.#string();
      if (key === undefined) return undefined;
      this.#path.push(key);
      // An assignment to __proto__ would make no field.
      if (key === '__proto__') return this.#failAt(start, 'unknown field');
      if (Object.hasOwn(object, key)) return this.#failAt(start, 'the field is given twice');
      if (members > MEMBERS_MAX) return this.#failAt(start, `more than ${MEMBERS_MAX} fields`);
      this.#space();
      if (!this.#take(0x3a)) return this.#fail('":" is expected');
      this.#space();
      object[key] = this.#value(depth);
      if (this.fault !== undefined) return undefined;
      this.#path.pop();
      this.#space();
      if (this.#take(0x7d)) return object;
      if (!this.#take(0x2c)) return this.#fail('"," or "}" is expected');
      this.#space();
    }
  }

  #array(depth: number): unknown {
    const array: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#take(0x5d)) return array;
    for (;;) {
      this.#path.push(array.length);
      array.push(this.#value(depth));
      if (this.fault !== undefined) return undefined;
      this.#path.pop();
      this.#space();
      if (this.#take(0x5d)) return array;
      if (!this.#take(0x2c)) return this.#fail('"," or "]" is expected');
      this.#space();
    }
  }

  #string(): string | undefined {
    const text = this.#text;
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 0x22) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start, at + 1) : text.slice(start + 1, at);
      }
      if (unit === 0x5c) {
        escaped = true;
        at++;
      } else if (unit < 0x20) {
        return this.#failAt(at, 'a control character in a string must be escaped');
      }
    }
    return this.#failAt(text.length, 'a string is not closed');
  }

  #unescape(start: number, end: number): string | undefined {
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(start, end));
    } catch {
      return this.#failAt(start, 'a string holds an escape that does not exist');
    }
    if (typeof value !== 'string' || LONE_SURROGATE.test(value)) {
      return this.#failAt(start, 'a string holds half of a surrogate pair', true);
    }
    return value;
  }

  #number(): number | bigint | undefined {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) return this.#fail('a value is expected');
    const [digits, fraction, exponent] = match;
    if (fraction !== undefined || exponent !== undefined || digits === '-0') {
      return this.#fail('a number must be whole, in plain digits: no fraction, no exponent');
    }
    if (digits.length > NUMBER_CHARACTERS_MAX) return this.#fail('a number is too long');
    this.#at = NUMBER.lastIndex;
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : BigInt(digits);
  }

  #word(word: string, value: unknown): unknown {
    if (!this.#text.startsWith(word, this.#at)) return this.#fail('a value is expected');
    this.#at += word.length;
    return value;
  }

  #take(unit: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== unit) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }

  #fail(detail: string): undefined {
    return this.#failAt(this.#at, detail);
  }

  #failAt(position: number, detail: string, notUnicode = false): undefined {
    this.fault ??= { detail, field: this.#path.join('.').slice(0, 200), position, notUnicode };
    return undefined;
  }
}
