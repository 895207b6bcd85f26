/** A rule file, YAML or JSON (which is YAML), with every mistake at its line. */
import { isCollection, isMap, isNode, isPair, LineCounter, type Node, parseDocument } from 'yaml';
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
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, maxAliasCount: 0 } as object);
  const at = (offset: number, path: string, message: string): FileMistake => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path, message };
  };
  if (document.errors.length > 0) {
    return { mistakes: document.errors.map(({ pos, message }) => at(pos[0], '', message.split('\n')[0] ?? message)) };
  }
  const checked = checkRuleSet(document.toJS({ maxAliasCount: 0 }));
  if ('ruleSet' in checked) return checked;
  const root = document.contents;
  const mistakes = checked.errors.map(({ path, message }: RuleMistake) =>
    at(offsetOf(root, path), path.join('.'), message),
  );
  return { mistakes: mistakes.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** The rule set that ships with the switch. */
export function defaultRuleSet(): RuleSet {
  const read = readRuleFile(DEFAULT_RULES);
  if ('ruleSet' in read) return read.ruleSet;
  throw new Error(`the rule set that ships with the switch has mistakes: ${read.mistakes[0]?.message}`);
}

/** Where in the text the value at a path begins; of one that is missing, where what should hold it does. */
function offsetOf(root: Node | null, path: RuleMistake['path']): number {
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
  return offset;
}
