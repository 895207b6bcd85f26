/**
 * Reads the configuration: flags > environment > file > defaults.
 *
 * Everything that is wrong is found in one go and reported together. Nothing here reads the process: the caller passes
 * the environment and the flags, so that one place decides what the switch sees.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import {
  type Config,
  environmentVariableOf,
  flagOf,
  OPTION_NAMES,
  OPTIONS,
  type OptionName,
  optionOfKey,
} from './options.ts';
import { suggest } from './suggest.ts';

export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

export interface ConfigInput {
  /** Option name → value as typed; undefined when the flag was not given. */
  readonly flags: Readonly<Partial<Record<OptionName, unknown>>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--config`; wins over `SLUICE_CONFIG`. YAML or JSON. */
  readonly file: string | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<OptionName, ConfigSource>>;
  /** The file that was read. */
  readonly file: string | undefined;
}

/** Environment variables with our prefix that are not options of the switch. */
export const OTHER_VARIABLES = ['SLUICE_CONFIG', 'SLUICE_URL', 'SLUICE_KEY', 'SLUICE_KEY_FILE'] as const;

/** Every problem of a configuration, one line each. Ends the program with exit code 78 (sysexits EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`bad configuration:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

interface Given {
  readonly source: ConfigSource;
  readonly value: unknown;
  /** Where a person has to look: `--port`, `SLUICE_PORT`, `sluice.yaml: port`. */
  readonly place: string;
}

/** Loads and checks; throws ConfigError with every problem. */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const problems: string[] = [];
  const path = input.file ?? input.environment.SLUICE_CONFIG;
  const file = path === undefined ? {} : readFile(path, problems);
  reportUnknownVariables(input.environment, problems);

  const values: Partial<Record<OptionName, unknown>> = {};
  const sources: Partial<Record<OptionName, ConfigSource>> = {};
  const places: Partial<Record<OptionName, string>> = {};
  for (const name of OPTION_NAMES) {
    const given = find(name, input, file, path ?? '');
    const result = OPTIONS[name].schema.safeParse(given.value);
    if (!result.success) problems.push(`${given.place} ${result.error.issues[0]?.message ?? 'is wrong'}${got(given)}`);
    values[name] = result.data;
    sources[name] = given.source;
    places[name] = given.place;
  }
  // Complete unless a problem was reported, and then it is not returned.
  const config = Object.freeze(values as Config);
  reportContradictions(config, places, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, sources: Object.freeze(sources as Record<OptionName, ConfigSource>), file: path };
}

function find(name: OptionName, input: ConfigInput, file: Readonly<Record<string, unknown>>, path: string): Given {
  const { key } = OPTIONS[name];
  const variable = environmentVariableOf(key);
  if (input.flags[name] !== undefined) return { source: 'flag', value: input.flags[name], place: flagOf(key) };
  const fromEnvironment = input.environment[variable];
  if (fromEnvironment !== undefined) return { source: 'environment', value: fromEnvironment, place: variable };
  if (Object.hasOwn(file, key)) return { source: 'file', value: file[key], place: `${path}: ${key}` };
  return { source: 'default', value: OPTIONS[name].default, place: key };
}

function got(given: Given): string {
  return given.value === '' ? '' : `, not ${JSON.stringify(given.value)}`;
}

function readFile(path: string, problems: string[]): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    problems.push(`${path} cannot be read: ${reason(error)}`);
    return {};
  }
  // JSON is YAML too, so one parser reads both.
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) {
    problems.push(...document.errors.map((error) => `${path}: ${error.message.split('\n')[0] ?? 'cannot be read'}`));
    return {};
  }
  const content: unknown = document.toJS() ?? {};
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${path} must hold a map of options, for example "port: 7400"`);
    return {};
  }
  const known = OPTION_NAMES.map((name) => OPTIONS[name].key);
  for (const key of Object.keys(content)) {
    if (optionOfKey(key) === undefined) problems.push(`${path}: unknown option ${key}${hint(key, known)}`);
  }
  return { ...content };
}

function reportUnknownVariables(environment: ConfigInput['environment'], problems: string[]): void {
  const known: string[] = OPTION_NAMES.map((name) => environmentVariableOf(OPTIONS[name].key));
  known.push(...OTHER_VARIABLES);
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith('SLUICE_') || known.includes(variable)) continue;
    problems.push(`unknown environment variable ${variable}${hint(variable, known)}`);
  }
}

function reportContradictions(
  config: Config,
  places: Readonly<Partial<Record<OptionName, string>>>,
  problems: string[],
): void {
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    problems.push('tls-cert and tls-key need each other: give both, or neither');
  }
  if (config.sandbox && config.tlsCert !== undefined) {
    problems.push('sandbox and tls-cert exclude each other: a sandbox is for trying the switch on one machine');
  }
  if (config.iso8583Port !== undefined && !config.sandbox) {
    problems.push('iso8583-port needs sandbox, whose test cards it is for; iso8583-file sets up real links');
  }
  if (config.iso8583Port !== undefined && config.iso8583File !== undefined) {
    problems.push('iso8583-port and iso8583-file exclude each other: the file says where its links listen');
  }
  if (config.iso8583IssuerPort !== undefined && config.iso8583Port === undefined) {
    problems.push('iso8583-issuer-port needs iso8583-port: without it no card messages come');
  }
  for (const name of OPTION_NAMES) {
    const path = config[name];
    if (!OPTIONS[name].isFile || typeof path !== 'string') continue;
    try {
      accessSync(path, constants.R_OK);
    } catch (error) {
      problems.push(`${places[name] ?? name} names a file that cannot be read: ${reason(error)}`);
    }
  }
}

function hint(word: string, known: readonly string[]): string {
  const meant = suggest(word, known);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
