/** Results as a person reads them, in English or Chinese, and as the exit of a command. */
import type { Result } from '../../protocol/codecs/result-codec.ts';
import { CommandFailure } from './errors.ts';
import { type Language, languageOf, type Terminal } from './terminal.ts';

const NEXT: Readonly<Record<Language, Readonly<Record<Result['retry'], string>>>> = {
  en: { never: 'This answer is final.', later: 'Nothing was decided: run the same command again in a moment.' },
  zh: { never: '此结果为最终结果。', later: '尚未处理：请稍后重新执行同一命令。' },
};

/** `There is not enough money in your account. (insufficientFunds, 604) This answer is final.` */
export function explain(result: Result, language: Language): string {
  return `${result.message[language]} (${result.name}, ${result.code}) ${NEXT[language][result.retry]}`;
}

/** What `--json` says about a result. */
export function resultFields(result: Result): Readonly<Record<string, unknown>> {
  return {
    code: result.code,
    name: result.name,
    retry: result.retry,
    replayed: result.replayed,
    ...(result.dryRun ? { dryRun: true } : {}),
  };
}

/** What follows on a sentence that says that something was done: it was not, or it was before. */
export function note(result: Result, replayed: string): string {
  return (result.replayed ? ` (${replayed})` : '') + (result.dryRun ? ' (dry run: nothing was done)' : '');
}

/** Ends the command unless the result is `ok`; `details` go into its JSON. */
export function expectOk(result: Result, terminal: Terminal, details: Readonly<Record<string, unknown>> = {}): void {
  if (result.code === 0) return;
  throw new CommandFailure(explain(result, languageOf(terminal.environment)), { ...resultFields(result), ...details });
}
