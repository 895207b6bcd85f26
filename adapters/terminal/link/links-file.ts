/** A links file, YAML or JSON (which is YAML): every link checked, its specification and certificates read, or every mistake at its line. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isCollection, isNode, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { type CompiledSpec, compileSpec } from '../iso8583/compile-spec.ts';
import { shippedSpec } from '../iso8583/shipped-specs.ts';
import { readSpecFile } from '../iso8583/spec-file.ts';
import { type AcquirerConfig, type IssuerConfig, LINKS_MAX, LinkConfig } from './link-config.ts';
import { readTls } from './link-tls.ts';

export interface LinkMistake {
  /** From 1; 0 for a file that was not read. */
  readonly line: number;
  readonly column: number;
  /** `links.0.listen.port`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export interface Links {
  readonly acquirers: readonly AcquirerConfig[];
  readonly issuers: readonly IssuerConfig[];
}

export type LinksFile =
  | ({ readonly ok: true } & Links)
  | { readonly ok: false; readonly mistakes: readonly LinkMistake[] };

const LinksShape = z.strictObject({ links: z.array(LinkConfig).min(1).max(LINKS_MAX) });
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** A mistake by the path to it. */
export interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What is checked of a file, or all of its mistakes. */
export type Checked<T> = { readonly value: T } | { readonly mistakes: readonly Mistake[] };

export type CheckedFile<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly mistakes: readonly LinkMistake[] };

/** @param check of the content; `directory` is what paths in the file start from */
export function readCheckedFile<T>(
  file: string,
  check: (content: unknown, directory: string) => Checked<T>,
): CheckedFile<T> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return { ok: false, mistakes: [{ line: 0, column: 0, path: '', message: `${file} cannot be read` }] };
  }
  return parseCheckedFile(text, (content) => check(content, dirname(file)));
}

export function readLinksFile(file: string): LinksFile {
  const read = readCheckedFile(file, checkLinks);
  return read.ok ? { ok: true, ...read.value } : read;
}

/** @param directory what paths of specifications and certificates start from */
export function parseLinks(text: string, directory: string): LinksFile {
  const read = parseCheckedFile(text, (content) => checkLinks(content, directory));
  return read.ok ? { ok: true, ...read.value } : read;
}

/** Checks the text of a file; each mistake is told at its line. */
export function parseCheckedFile<T>(text: string, check: (content: unknown) => Checked<T>): CheckedFile<T> {
  const lines = new LineCounter();
  const at = (offset: number, path: string, message: string): LinkMistake => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path, message };
  };
  if (text.length > FILE_BYTES_MAX)
    return { ok: false, mistakes: [at(0, '', `must have ${FILE_BYTES_MAX} characters at most`)] };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  });
  const unread = document.errors.map(({ pos, message }) => at(pos[0], '', message));
  // An alias can make much of a little.
  visit(document, {
    Alias: (_key, { source, range }) => {
      unread.push(at(range?.[0] ?? 0, '', `*${source} is an alias: write out what it stands for`));
    },
  });
  if (unread.length > 0) return { ok: false, mistakes: unread };
  const checked = check(document.toJS());
  if ('value' in checked) return { ok: true, value: checked.value };
  const mistakes = checked.mistakes.map(({ path, message }) =>
    at(offsetOf(document.contents, path), path.map(String).join('.'), message),
  );
  return { ok: false, mistakes: mistakes.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Checks `{ links: […] }`, as it was read from a file in a directory. */
export function checkLinks(content: unknown, directory: string): Checked<Links> {
  const parsed = LinksShape.safeParse(content);
  if (!parsed.success) return { mistakes: parsed.error.issues.flatMap(flattened) };
  const mistakes: Mistake[] = [];
  const acquirers: AcquirerConfig[] = [];
  const issuers: IssuerConfig[] = [];
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const [index, link] of parsed.data.links.entries()) {
    const fail = (field: string, message: string) => mistakes.push({ path: ['links', index, field], message });
    if (names.has(link.name)) fail('name', `another link is called ${link.name}`);
    names.add(link.name);
    const spec = specOf(link.spec, directory);
    if (typeof spec === 'string') fail('spec', spec);
    const tls = link.tls === undefined ? undefined : readTls(directory, link.tls);
    if (tls?.ok === false) fail('tls', tls.message);
    if (typeof spec === 'string' || tls?.ok === false) continue;
    const missing = macFieldsMissing(spec, link.mac !== undefined);
    if (missing !== undefined) fail('mac', missing);
    const rest = { spec, tls: tls?.tls };
    if (link.role === 'issuer') {
      issuers.push(Object.freeze({ ...link, ...rest }));
      continue;
    }
    const address = `${link.listen.host}:${link.listen.port}`;
    if (link.listen.port !== 0 && addresses.has(address)) fail('listen', `another link listens on ${address}`);
    addresses.add(address);
    acquirers.push(Object.freeze({ ...link, ...rest }));
  }
  return mistakes.length > 0 ? { mistakes } : { value: { acquirers, issuers } };
}

/** A key that nobody knows is told at its own place. */
export function flattened(issue: z.core.$ZodIssue): Mistake[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such setting' }));
}

function specOf(name: string, directory: string): CompiledSpec | string {
  let data = shippedSpec(name);
  if (data === undefined) {
    let document: unknown;
    try {
      document = JSON.parse(readFileSync(resolve(directory, name), 'utf8'));
    } catch {
      return `${name} is neither a shipped specification nor a JSON file that can be read`;
    }
    const read = readSpecFile(document, shippedSpec);
    if (!read.ok) return `${name}: ${describe(read.mistakes)}`;
    data = read.spec;
  }
  const compiled = compileSpec(data);
  return compiled.ok ? compiled.spec : `${name}: ${describe(compiled.mistakes)}`;
}

function macFieldsMissing(spec: CompiledSpec, hasMac: boolean): string | undefined {
  if (!hasMac) return undefined;
  const missing = [64, 128].filter((number) => {
    const field = spec.body.fields[number];
    return field?.type !== 'b' || field.length !== 8 || field.prefixBytes > 0;
  });
  return missing.length === 0
    ? undefined
    : `${spec.name} must have 8 bytes of binary data in field ${missing.join(' and ')}`;
}

function describe(mistakes: readonly { readonly path: string; readonly message: string }[]): string {
  return mistakes.map(({ path, message }) => `${path}: ${message}`).join('; ');
}

/** Where in the file the value at a path begins; of one that is missing, where what should hold it does. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (!isCollection(node)) break;
    node = node.get(step, true);
    if (!isNode(node)) break;
    offset = node.range?.[0] ?? offset;
  }
  return offset;
}
