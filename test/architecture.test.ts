// What the compiler and the linter cannot say about this project: who may import whom, how long a file may be, and
// what must not be written where.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LINES_MAX = 400;

interface Source {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The same without comments and without what is between quotes. */
  readonly code: string;
}

function sourcesIn(folder: string): Source[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, code: withoutCommentsAndTexts(text) };
    });
}

function withoutCommentsAndTexts(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/\/\/.*$/gm, '');
}

const PRODUCT = ['protocol', 'engine', 'adapters', 'bench'].flatMap(sourcesIn);
const ALL = [...PRODUCT, ...sourcesIn('test')];
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

/** What a file imports: project files as paths, packages by name. */
function importsOf({ path, text }: Source): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  return [...code.matchAll(IMPORT)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), specifier)) : specifier,
  );
}

/** `file → import` for each import that breaks the rule. */
function forbiddenImports(folder: string, isAllowed: (target: string) => boolean): string[] {
  return PRODUCT.filter(({ path }) => path.startsWith(folder)).flatMap((source) =>
    importsOf(source)
      .filter((target) => /^(protocol|engine|adapters|bench|test|\.\.)(\/|$)/.test(target) && !isAllowed(target))
      .map((target) => `${source.path} → ${target}`),
  );
}

describe('layers', () => {
  it('protocol imports nothing of the project', () => {
    expect(forbiddenImports('protocol/', (target) => target.startsWith('protocol/'))).toEqual([]);
  });

  it('engine imports protocol and itself; only its command line reaches the benchmark and the adapters', () => {
    const allowed = /^(protocol|engine)\//;
    const found = forbiddenImports('engine/', (target) => allowed.test(target));
    // The composition root opens adapters, the command line has their tools.
    expect(
      found.filter((found) => !/^engine\/(?:main|cli\/commands\/[a-z0-9-]+)\.ts → adapters\//.test(found)),
    ).toEqual(['engine/cli/commands/bench.ts → bench/main.ts']);
  });

  it('adapters import protocol, themselves and the gateway', () => {
    const allowed = /^(protocol|adapters)\/|^engine\/gateway\.ts$/;
    expect(forbiddenImports('adapters/', (target) => allowed.test(target))).toEqual([]);
  });

  it('only the shim and the benchmark know uWebSockets.js', () => {
    const users = PRODUCT.filter((source) => importsOf(source).includes('uWebSockets.js')).map(({ path }) => path);
    expect(users.filter((path) => path !== 'engine/transport/uws.ts' && !path.startsWith('bench/'))).toEqual([]);
  });

  it('every relative import has its extension', () => {
    const bare = ALL.flatMap((source) =>
      importsOf(source).filter(
        (target) => /^(protocol|engine|adapters|bench|test)\//.test(target) && !/\.(ts|json)$/.test(target),
      ),
    );
    expect(bare).toEqual([]);
  });
});

describe('files', () => {
  it(`have at most ${LINES_MAX} lines`, () => {
    // A table of data is not harder to read for being long.
    const long = ALL.filter(
      ({ path, text }) => text.split('\n').length > LINES_MAX + 1 && path !== 'protocol/currencies.ts',
    );
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('have names in kebab-case', () => {
    expect(ALL.map(({ path }) => path).filter((path) => !/^[a-z0-9/.-]+$/.test(path))).toEqual([]);
  });
});

interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  readonly where: RegExp;
  readonly except?: RegExp;
}

const ALL_PRODUCT = /^(protocol|engine|adapters|bench)\//;
const DOMAIN = /^engine\/(ledger|payment|entity)\//;

const BANS: readonly Ban[] = [
  { what: 'enum', pattern: /^\s*(?:export\s+)?(?:const\s+)?enum\s/m, where: /./ },
  { what: 'namespace', pattern: /^\s*(?:export\s+)?namespace\s/m, where: /./ },
  { what: 'any', pattern: /:\s*any\b|\bas any\b|<any>|\bany\[\]/, where: /./ },
  { what: 'non-null assertion', pattern: /[\w)\]]!(?:[.;,)[\]]|\s*$)/m, where: ALL_PRODUCT },
  { what: 'double cast', pattern: /\bas unknown as\b/, where: ALL_PRODUCT },
  { what: 'silenced compiler', pattern: /@ts-(?:ignore|nocheck)/, where: /./ },
  { what: 'console', pattern: /\bconsole\.\w/, where: ALL_PRODUCT, except: /^(engine\/cli|bench)\// },
  { what: 'clock', pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bhrtime\b/, where: DOMAIN },
  { what: 'randomness', pattern: /\bMath\.random\b|\brandomBytes\b|\bgetRandomValues\b/, where: DOMAIN },
  { what: 'environment', pattern: /\bprocess\.env\b/, where: ALL_PRODUCT, except: /^(engine\/cli\/main\.ts$|bench\/)/ },
  { what: 'await in the state machine', pattern: /\bawait\b|\basync\b/, where: DOMAIN },
];

describe('bans', () => {
  it.each(BANS)('no $what', ({ pattern, where, except }) => {
    const found = ALL.filter(({ path }) => where.test(path) && except?.test(path) !== true)
      .filter(
        ({ path, text, code }) =>
          path !== 'test/architecture.test.ts' && pattern.test(pattern.source.startsWith('@') ? text : code),
      )
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });

  it('see what they are for', () => {
    const samples: Readonly<Record<string, string>> = {
      enum: 'export enum A {}',
      namespace: 'namespace A {}',
      any: 'let a: any',
      'non-null assertion': 'a[0]!.b',
      'double cast': 'a as unknown as B',
      'silenced compiler': '// @ts-ignore',
      console: 'console.log(1)',
      clock: 'Date.now()',
      randomness: 'Math.random()',
      environment: 'process.env.A',
      'await in the state machine': 'await a()',
    };
    for (const { what, pattern } of BANS) expect(pattern.test(samples[what] ?? ''), what).toBe(true);
    expect(/[\w)\]]!(?:[.;,)[\]]|\s*$)/m.test('a !== b && !c')).toBe(false);
  });
});
