/**
 * Checks for values that came from MessagePack or JSON, as data: each field says in words what it accepts (for the
 * specification page) and returns the value, or the path of the first wrong field and what is wrong with it.
 */
import { formatId, parseId } from './ids.ts';

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly path: string; readonly message: string };

export interface Field<T> {
  /** What is accepted, in words. */
  readonly accepts: string;
  readonly optional: boolean;
  check(value: unknown, path: string): Checked<T>;
}

export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;
type OptionalKey<F extends Fields> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never }[keyof F];

/** The object that these fields describe. */
export type ObjectOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKey<F>>]: ValueOf<F[K]>;
} & { readonly [K in OptionalKey<F>]?: ValueOf<F[K]> };

const good = <T>(value: T): Checked<T> => ({ ok: true, value });
const bad = (path: string, message: string): Checked<never> => ({ ok: false, path, message });

/** A whole number. Strings and fractions are refused; −0 counts as 0. */
export function integer(minimum: number, maximum: number): Field<number> {
  const accepts = `integer ${minimum} … ${maximum === Number.MAX_SAFE_INTEGER ? '2^53 − 1' : maximum}`;
  return {
    accepts,
    optional: false,
    check(value, path) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return bad(path, 'must be a whole number');
      return value < minimum || value > maximum ? bad(path, `must be ${accepts}`) : good(value + 0);
    },
  };
}

/** Text of at most `bytesMax` bytes of UTF-8, without control characters. */
export function text(bytesMin: number, bytesMax: number): Field<string> {
  return {
    accepts: `text of ${bytesMin} … ${bytesMax} bytes without control characters`,
    optional: false,
    check(value, path) {
      if (typeof value !== 'string') return bad(path, 'must be text');
      const bytes = value.length > bytesMax ? value.length : new TextEncoder().encode(value).length;
      if (bytes < bytesMin || bytes > bytesMax) return bad(path, `must have ${bytesMin} to ${bytesMax} bytes`);
      // A lone surrogate is a string that has no UTF-8 form.
      return /[\p{Cc}\p{Surrogate}]/u.test(value) ? bad(path, 'must not hold control characters') : good(value);
    },
  };
}

export function matching(pattern: RegExp, accepts: string): Field<string> {
  return {
    accepts,
    optional: false,
    check: (value, path) =>
      typeof value === 'string' && pattern.test(value) ? good(value) : bad(path, `must be ${accepts}`),
  };
}

export function oneOf<const T extends string>(...options: readonly T[]): Field<T> {
  const accepts = `one of ${options.join(', ')}`;
  return {
    accepts,
    optional: false,
    check(value, path) {
      const found = options.find((option) => option === value);
      return found === undefined ? bad(path, `must be ${accepts}`) : good(found);
    },
  };
}

export function flag(): Field<boolean> {
  const accepts = 'true or false';
  return {
    accepts,
    optional: false,
    check: (value, path) => (typeof value === 'boolean' ? good(value) : bad(path, `must be ${accepts}`)),
  };
}

/** The first of the two that accepts the value. */
export function either<A, B>(one: Field<A>, other: Field<B>): Field<A | B> {
  const accepts = `${one.accepts}; or ${other.accepts}`;
  return {
    accepts,
    optional: false,
    check(value, path): Checked<A | B> {
      const first = one.check(value, path);
      if (first.ok) return first;
      const second = other.check(value, path);
      return second.ok ? second : bad(path, `must be ${accepts}`);
    },
  };
}

/** An id in text (ids.ts); comes out as 32 lower-case hex digits. */
export function idText(): Field<string> {
  const accepts = 'id: 32 hex digits, or a UUID';
  return {
    accepts,
    optional: false,
    check(value, path) {
      const id = typeof value === 'string' ? parseId(value) : undefined;
      return id === undefined ? bad(path, `must be an ${accepts}`) : good(formatId(id));
    },
  };
}

/** At most `countMax` items. With `unique`, none twice. */
export function list<T>(item: Field<T>, countMax: number, unique = false): Field<readonly T[]> {
  return {
    accepts: `at most ${countMax}${unique ? ' different' : ''} of: ${item.accepts}`,
    optional: false,
    check(value, path) {
      if (!Array.isArray(value)) return bad(path, 'must be a list');
      if (value.length > countMax) return bad(path, `must have at most ${countMax} items`);
      const out: T[] = [];
      for (let index = 0; index < value.length; index++) {
        const at = `${path}[${index}]`;
        const checked = item.check(value[index], at);
        if (!checked.ok) return checked;
        if (unique && out.includes(checked.value)) return bad(at, 'is there twice');
        out.push(checked.value);
      }
      return good(out);
    },
  };
}

/** A map whose content is described and checked elsewhere. */
export function map<T extends object>(what: string): Field<T> {
  const accepts = `map: ${what}`;
  return {
    accepts,
    optional: false,
    check: (value, path) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? good(value as T)
        : bad(path, 'must be a map'),
  };
}

/** May be left out; nil is not accepted in its place. */
export function optional<T>(field: Field<T>): OptionalField<T> {
  return { accepts: `${field.accepts}; may be left out`, optional: true, check: field.check };
}

/**
 * A map with exactly these keys. Fields are checked in the order of the table. Unknown keys are refused after them
 * (a misspelt option must not be dropped in silence), or dropped where a newer peer may say more.
 */
export function object<const F extends Fields>(fields: F, unknownKeys: 'refused' | 'dropped'): Field<ObjectOf<F>> {
  return {
    accepts: `map of ${Object.keys(fields).join(', ')}`,
    optional: false,
    check(value, path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(path, 'must be a map');
      const source = new Map<string, unknown>(Object.entries(value));
      const out: Record<string, unknown> = {};
      for (const [key, field] of Object.entries(fields)) {
        const at = path === '' ? key : `${path}.${key}`;
        const item = source.get(key);
        if (item === undefined) {
          if (field.optional) continue;
          return bad(at, 'is missing');
        }
        const checked = field.check(item, at);
        if (!checked.ok) return checked;
        out[key] = checked.value;
      }
      const unknown =
        unknownKeys === 'refused' ? [...source.keys()].find((key) => !Object.hasOwn(fields, key)) : undefined;
      if (unknown !== undefined) {
        return bad(path === '' ? shorten(unknown) : `${path}.${shorten(unknown)}`, 'is not a field of this request');
      }
      return good(out as ObjectOf<F>);
    },
  };
}

/** Paths end up in logs and answers: a stranger's key is not repeated at any length. */
function shorten(key: string): string {
  return key.length <= 32 ? key : `${key.slice(0, 32)}…`;
}
