import { describe, expect, it } from 'vitest';
import { CommandFailure } from '../../../engine/cli/errors.ts';
import { expectOk, explain } from '../../../engine/cli/results.ts';
import { languageOf, ProgressLine, wantsColour } from '../../../engine/cli/terminal.ts';
import { resultOfCode } from '../../../protocol/codecs/result-codec.ts';
import { Code } from '../../../protocol/results.ts';

const declined = resultOfCode(Code.insufficientFunds);

describe('explain', () => {
  it('says what happened, the name, the number and whether to try again', () => {
    expect(explain(declined, 'en')).toBe(
      'There is not enough money in your account. Please add money or pay another way. (insufficientFunds, 604) This answer is final.',
    );
    expect(explain(declined, 'zh')).toBe(
      '余额不足，请充值或更换支付方式。 (insufficientFunds, 604) 此结果为最终结果。',
    );
    expect(explain(resultOfCode(Code.busy), 'en')).toMatch(/Nothing was decided: run the same command again/);
  });
});

describe('expectOk', () => {
  const terminal = (environment: Record<string, string>) => {
    const writer = { write: () => true };
    return { output: writer, errors: writer, environment };
  };

  it('lets ok pass and fails in the language of the person otherwise', () => {
    expect(() => expectOk(resultOfCode(0), terminal({}))).not.toThrow();
    expect(() => expectOk(declined, terminal({ LANG: 'en_GB.UTF-8' }))).toThrow(/not enough money/);
    expect(() => expectOk(declined, terminal({ LC_ALL: 'zh_CN.UTF-8' }))).toThrow(/余额不足/);
  });

  it('keeps code, name and retry for --json', () => {
    try {
      expectOk(declined, terminal({}), { id: 'x' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CommandFailure);
      expect(error).toMatchObject({ details: { code: 604, name: 'insufficientFunds', retry: 'never', id: 'x' } });
    }
  });
});

describe('the terminal', () => {
  it.each([
    [{}, 'en'],
    [{ LANG: 'C.UTF-8' }, 'en'],
    [{ LANG: 'zh_TW.UTF-8' }, 'zh'],
    [{ LANG: 'zh_CN.UTF-8', LC_ALL: 'de_DE.UTF-8' }, 'en'],
    [{ LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }, 'zh'],
  ])('speaks for %j the language %s', (environment, language) => {
    expect(languageOf(environment)).toBe(language);
  });

  it('is coloured only when it is a terminal and nobody objects', () => {
    const tty = { write: () => true, isTTY: true };
    expect(wantsColour(tty, {})).toBe(true);
    expect(wantsColour(tty, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(tty, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour({ write: () => true }, {})).toBe(false);
  });

  it('shows progress on a terminal only, and cleans up after it', () => {
    const written: string[] = [];
    const write = (text: string) => written.push(text);
    new ProgressLine({ write }).progress({ phase: 'checking', done: 1, total: 2 });
    expect(written).toEqual([]);
    const line = new ProgressLine({ write, isTTY: true, columns: 40 });
    line.progress({ phase: 'checking', done: 1, total: 3 });
    line.clear();
    expect(written).toEqual(['\rchecking: 33 %', `\r${' '.repeat(14)}\r`]);
  });
});
