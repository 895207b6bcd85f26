/** Reads what a request says in its line and headers; the library's request object is gone after the first wait. */
import type { HttpRequest } from '../uws.ts';
import { type Problem, problem } from './outcome.ts';
import type { Route } from './route.ts';

const PARAMETERS_MAX = 32;

/** The key of `Authorization: Bearer <key>`; undefined when there is none. */
export function bearerOf(header: string): string | undefined {
  return /^bearer +([!-~]+) *$/i.exec(header)?.[1];
}

/** Path parameters by name, percent-decoded. */
export function readParams(route: Route, request: HttpRequest): Readonly<Record<string, string>> | Problem {
  const params: Record<string, string> = {};
  for (const [index, name] of route.paramNames.entries()) {
    const value = decode(request.getParameter(index) ?? '', false);
    if (value === undefined) return problem('invalidUtf8', { field: name });
    params[name] = value;
  }
  return params;
}

/** Query parameters by name; each may come once. */
export function readQuery(query: string): Readonly<Record<string, string>> | Problem {
  const found: Record<string, string> = {};
  if (query === '') return found;
  for (const pair of query.split('&', PARAMETERS_MAX)) {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), true);
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1), true);
    if (name === undefined || value === undefined) return problem('invalidUtf8', { detail: 'the query' });
    if (name === '' && value === '') continue;
    if (Object.hasOwn(found, name) || name === '__proto__') {
      return problem('malformedBody', { field: name.slice(0, 100), detail: 'unknown, or given twice' });
    }
    found[name] = value;
  }
  return found;
}

function decode(text: string, isForm: boolean): string | undefined {
  try {
    return decodeURIComponent(isForm ? text.replaceAll('+', ' ') : text);
  } catch {
    return undefined;
  }
}

/** What is wrong with the headers of a request with a body; undefined when it can be read. */
export function checkBodyHeaders(request: HttpRequest, route: Route, bytesMax: number): Problem | undefined {
  const length = request.getHeader('content-length');
  const isEmpty = (length === '' || length === '0') && request.getHeader('transfer-encoding') === '';
  if (isEmpty) {
    return route.spec.bodyOptional === true ? undefined : problem('malformedBody', { detail: 'the body is missing' });
  }
  if (Number(length) > bytesMax) {
    return problem('frameTooLarge', { detail: `at most ${bytesMax} bytes`, headers: { Connection: 'close' } });
  }
  const type = request.getHeader('content-type');
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) {
    return problem('malformedBody', { status: 415, field: 'Content-Type', detail: 'must be application/json' });
  }
  const encoding = request.getHeader('content-encoding');
  return encoding === '' || encoding.toLowerCase() === 'identity'
    ? undefined
    : problem('malformedBody', { status: 415, field: 'Content-Encoding', detail: 'must be identity' });
}
