// The file of merchants: what is written is read again, and what is wrong is said with its line before anything is done.
import { describe, expect, it } from 'vitest';
import { readMerchants, writeMerchants } from '../../../engine/cli/merchant-file.ts';

const HEAD = 'handle,name,mcc,currencies,city,country,counter,counter_name,state,place,tip';
const LINE = 'teahouse,Old Tea House,5814,CNY HKD,SHANGHAI,CN,till-1,Entrance,open,31.230000 121.470000,percent 1000';
const mistakes = (...lines: string[]) => {
  const read = readMerchants(`${lines.join('\n')}\n`);
  return read.ok ? [] : read.mistakes;
};

describe('a file of merchants', () => {
  it('is read as it was written', () => {
    const lines = [
      LINE,
      'teahouse,Old Tea House,5814,CNY HKD,SHANGHAI,CN,till-2,,closed,-33.900000 -70.600000,fixed 150',
      'cafe,"Cafe ""Blue"", Ltd",0000,JPY,TOKYO,JP,main,,open,,ask',
    ];
    const text = [HEAD, ...lines].map((line) => `${line}\r\n`).join('');
    const read = readMerchants(text);
    if (!read.ok) throw new Error(read.mistakes.join());
    expect(read.merchants).toHaveLength(2);
    expect(read.merchants[0]).toMatchObject({
      party: { handle: 'teahouse', kind: 'merchant', mcc: 5814, ledgers: [156, 344] },
      counters: { counters: [{ place: { latitude: 31_230_000, longitude: 121_470_000 } }, { tip: { value: 150 } }] },
    });
    expect(writeMerchants(read.merchants)).toBe(text);
  });

  it.each([
    ['line 1: the columns must be', ['handle,name']],
    ['line 2: has 1 fields, not 11', [HEAD, 'teahouse']],
    ['line 2: state is "shut"', [HEAD, LINE.replace('open', 'shut')]],
    ['line 2: place is "31"', [HEAD, LINE.replace('31.230000 121.470000', '31')]],
    ['line 2: latitude', [HEAD, LINE.replace('31.230000', '91')], 'counters'],
    ['line 2: tip is "much"', [HEAD, LINE.replace('percent 1000', 'much')]],
    ['line 2: mcc is "58"', [HEAD, LINE.replace('5814', '58')]],
    ['line 2: currencies are "CNY XYZ"', [HEAD, LINE.replace('HKD', 'XYZ')]],
    ['line 2: handle must be', [HEAD, LINE.replace('teahouse', 'Tea House')]],
    ['line 3: teahouse has the counter till-1 twice', [HEAD, LINE, LINE]],
    ['line 3: city of teahouse is another one on line 2', [HEAD, LINE, LINE.replace('SHANGHAI', 'BEIJING')]],
    ['line 2, column', [HEAD, '"teahouse']],
  ])('says %s', (expected, lines, path = '') => {
    const [first = ''] = mistakes(...lines);
    if (path === '') expect(first.startsWith(expected)).toBe(true);
    else expect(first).toMatch(new RegExp(`^line 2: ${path}`));
  });

  it('tells many mistakes at once, but not all of them', () => {
    expect(mistakes(HEAD, ...Array.from({ length: 100 }, () => 'x'))).toHaveLength(20);
  });
});
