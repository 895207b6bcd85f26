/** A rule file, YAML or JSON (which is YAML), with every mistake at its line. */
import { isCollection, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { checkRuleSet, type RuleMistake } from './check-rule-set.ts';
import { DEFAULT_RULES } from './default-rules.ts';
import type { RuleSet } from './rule-set.ts';

export interface FileMistake {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Keys and places, joined by dots; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export type RuleFile = { readonly ruleSet: RuleSet } | { readonly mistakes: readonly FileMistake[] };

/** Reads and checks the text of a rule file. */
export function readRuleFile(text: string): RuleFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  });
  const at = (offset: number, path: string, message: string): FileMistake => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path, message };
  };
  const unread = document.errors.map(({ pos, message }) => at(pos[0], '', message));
  // An alias can make much of a little, and a rule that says what another does is not seen where it stands.
  visit(document, {
    Alias: (_key, alias) => {
      unread.push(at(alias.range?.[0] ?? 0, '', `*${alias.source} is an alias: write out what it stands for`));
    },
  });
  if (unread.length > 0) return { mistakes: unread };
  const checked = checkRuleSet(document.toJS());
  if ('ruleSet' in checked) return checked;
  const root = document.contents;
  const mistakes = checked.errors.map(({ path, message, offset }: RuleMistake) =>
    at(placeOf(root, path, text, offset), path.join('.'), message),
  );
  return { mistakes: mistakes.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** The rule set that ships with the switch. */
export function defaultRuleSet(): RuleSet {
  const read = readRuleFile(DEFAULT_RULES);
  if ('ruleSet' in read) return read.ruleSet;
  throw new Error(`the rule set that ships with the switch has mistakes: ${read.mistakes[0]?.message}`);
}

/**
 * Where in the file the value at a path begins; of one that is missing, where what should hold it does.
 * @param inside character of the value that is meant, when it is a text
 */
function placeOf(root: Node | null, path: RuleMistake['path'], file: string, inside: number | undefined): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find(({ key }) => String(isNode(key) ? key.toJSON() : key) === String(step))
      : undefined;
    const next: unknown = isPair(pair) ? pair.value : node.get(step, true);
    const place = isNode(next) ? next : isPair(pair) && isNode(pair.key) ? pair.key : undefined;
    if (place === undefined) break;
    offset = place.range?.[0] ?? offset;
    node = next;
  }
  return inside === undefined || !isScalar(node) ? offset : offset + distanceOf(node.value, file.slice(offset), inside);
}

/**
 * How far behind the beginning of a scalar in the file a character of its text stands: the text has no indentation, and in a block no
 * first line. 0 when the file writes the text otherwise (folded, with escapes).
 */
function distanceOf(text: unknown, file: string, inside: number): number {
  if (typeof text !== 'string') return 0;
  if (file.startsWith(text)) return inside;
  if (file.startsWith(text, 1)) return inside + 1;
  if (!file.startsWith('|')) return 0;
  const before = text.slice(0, inside).split('\n');
  const lines = file.split('\n');
  const line = lines[before.length] ?? '';
  const indentation = line.length - line.trimStart().length;
  const textLine = text.split('\n')[before.length - 1] ?? '';
  const ownIndentation = textLine.length - textLine.trimStart().length;
  const start = lines.slice(0, before.length).reduce((length, { length: more }) => length + more + 1, 0);
  return start + indentation - ownIndentation + (before.at(-1)?.length ?? 0);
}
