/** `sluice config check|print`: what the switch would run with, and where each value comes from. */
import type { Command } from 'commander';
import { environmentVariableOf, OPTION_NAMES, OPTIONS } from '../../config/options.ts';
import { addConfigOptions, command, configOf, displayValue, group } from '../options.ts';
import { json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';

export function registerConfig(program: Command, terminal: Terminal): void {
  const config = group(program, 'config', 'Check the configuration, or print what is in force.');

  const check = command(config, 'check', 'Check flags, environment and file; lists every problem and ends with 78.', [
    'sluice config check --config /etc/sluice/sluice.yaml',
    'SLUICE_PORT=7500 sluice config check',
  ]);
  addConfigOptions(check).action(() => {
    const loaded = configOf(check, terminal);
    const where = loaded.file === undefined ? '' : ` (${loaded.file})`;
    terminal.output.write(
      check.opts().json === true ? json({ ok: true, problems: [] }) : `The configuration is good${where}.\n`,
    );
  });

  const print = command(config, 'print', 'Print every option with its value and where that comes from.', [
    'sluice config print',
    'sluice config print --config sluice.yaml --json',
  ]);
  addConfigOptions(print).action(() => {
    const { config: values, sources } = configOf(print, terminal);
    if (print.opts().json === true) {
      const options = OPTION_NAMES.map((name) => {
        const { key, unit, description } = OPTIONS[name];
        const variable = environmentVariableOf(key);
        return [key, { value: values[name] ?? null, source: sources[name], variable, unit, description }] as const;
      });
      terminal.output.write(json(Object.fromEntries(options)));
      return;
    }
    const rows = OPTION_NAMES.map((name) => [
      OPTIONS[name].key,
      displayValue(name, values[name]),
      sources[name],
      environmentVariableOf(OPTIONS[name].key),
    ]);
    const columns = [{ title: 'OPTION' }, { title: 'VALUE' }, { title: 'FROM' }, { title: 'ENVIRONMENT VARIABLE' }];
    terminal.output.write(table(columns, rows));
  });
}
