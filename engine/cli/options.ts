/** Options that several commands share. */
import { type Command, Option } from 'commander';
import { type ConfigInput, type LoadedConfig, loadConfig } from '../config/load.ts';
import { flagOf, OPTION_NAMES, OPTIONS, type OptionName } from '../config/options.ts';
import { formatSize } from '../config/units.ts';
import type { Terminal } from './terminal.ts';

/** Starts a command with the options that each has, and its examples at the end of its page. */
export function command(parent: Command, usage: string, description: string, examples: readonly string[]): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', 'Print one JSON document instead of text.')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** A command that only holds others. */
export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description);
}

/** Lets a command only ask what would happen. */
export function addDryRun(target: Command): Command {
  return target.option('--dry-run', 'Only show what would happen: nothing is done or kept.');
}

/** Adds every option of the switch to a command. */
export function addConfigOptions(target: Command): Command {
  target.option('--config <file>', 'YAML or JSON file with options. (environment: SLUICE_CONFIG)');
  for (const name of OPTION_NAMES) {
    const { key, description, isSwitch } = OPTIONS[name];
    const flag = isSwitch ? flagOf(key) : `${flagOf(key)} <${placeholder(name)}>`;
    target.addOption(new Option(flag, `${description}${describeDefault(name)}`));
  }
  return target;
}

/** The configuration that the flags of this command, the environment and the file make together. */
export function configOf(target: Command, terminal: Terminal): LoadedConfig {
  const given = target.opts<Record<string, unknown>>();
  const flags: Partial<Record<OptionName, unknown>> = {};
  for (const name of OPTION_NAMES) flags[name] = given[name];
  const file = typeof given.config === 'string' ? given.config : undefined;
  const input: ConfigInput = { flags, environment: terminal.environment, file };
  return loadConfig(input);
}

/** A default as a person reads it: sizes with their unit. */
export function displayValue(name: OptionName, value: unknown): string {
  if (value === undefined) return '-';
  return OPTIONS[name].unit === 'bytes' && typeof value === 'number' ? formatSize(value) : String(value);
}

function describeDefault(name: OptionName): string {
  const initial = OPTIONS[name].default;
  return initial === undefined || initial === false ? '' : ` (default: ${displayValue(name, initial)})`;
}

function placeholder(name: OptionName): string {
  const { unit, isFile, key } = OPTIONS[name];
  if (isFile) return 'file';
  if (unit === 'bytes') return 'size';
  if (unit === 'seconds') return 'seconds';
  return unit === '' ? key.replace(/^.*-/, '') : 'number';
}
