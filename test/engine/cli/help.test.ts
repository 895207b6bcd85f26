import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../engine/cli/program.ts';

const writer = { write: () => true, columns: 100 };
const program = buildProgram({ output: writer, errors: writer, environment: { NO_COLOR: '1' } });

/** Commands that do something, with the words that call them. */
function leaves(command: Command, path: readonly string[] = []): (readonly [string, Command])[] {
  const below = command.commands.filter((child) => child.name() !== 'help');
  if (below.length === 0) return [[path.join(' '), command]];
  return below.flatMap((child) => leaves(child, [...path, child.name()]));
}

function pageOf(command: Command): string {
  let page = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (text) => (page += text) });
  command.outputHelp();
  return page;
}

describe('help', () => {
  it('shows all commands', () => {
    expect(pageOf(program)).toMatchSnapshot();
  });

  it.each(leaves(program))('of %s has its options and examples', (_, command) => {
    const page = pageOf(command);
    expect(page).toMatchSnapshot();
    expect(page).toContain('--json');
    expect(page).toMatch(/\nExamples:\n {2}\$ /);
  });
});
