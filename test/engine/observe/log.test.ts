import { describe, expect, it } from 'vitest';
import type { LogFormat, LogLevel } from '../../../engine/config/options.ts';
import { createLogger } from '../../../engine/observe/log.ts';

const KEY = 'slk_0123456789abcdef_ABCdef-_0123456789abcdef0123456789abcdef012';

function logTo(format: LogFormat = 'json', level: LogLevel = 'info') {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  return { log: createLogger({ level, format, isTerminal: false, stream }), lines };
}

describe('the log', () => {
  it('is one JSON object a line, with level, time and message', () => {
    const { log, lines } = logTo();
    log.info({ partition: 3 }, 'recovered');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      partition: 3,
      msg: 'recovered',
    });
    expect(lines[0]).toMatch(/\}\n$/);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logTo('json', 'warn');
    log.info('no');
    log.warn('yes');
    expect(lines).toHaveLength(1);
  });

  it.each(['authorization', 'key', 'apiKey', 'secret', 'pan', 'track', 'track2', 'pin', 'pinBlock', 'cvv', 'password'])(
    'never writes %s, at any depth, in children or in lists',
    (field) => {
      const { log, lines } = logTo();
      const value = 'do-not-write-me';
      log.info({ [field]: value });
      log.info({ a: { [field]: value }, b: { c: { [field]: { deep: value } } } });
      log.info({ list: [{ [field]: value }] });
      log.child({ [field]: value }).info('child');
      expect(lines).toHaveLength(4);
      expect(lines.join('')).not.toContain(value);
      expect(lines.join('')).toContain('[redacted]');
    },
  );

  it('removes the secret of an API key from any text, and keeps its id', () => {
    const { log, lines } = logTo();
    log.info(`hello with ${KEY}`);
    log.error({ err: new Error(`refused ${KEY}`), header: `Bearer ${KEY}` });
    expect(lines.join('')).not.toContain('ABCdef');
    expect(lines.join('')).toContain('slk_0123456789abcdef_[redacted]');
  });

  it('is redacted for people too', async () => {
    const chunks: string[] = [];
    const { Writable } = await import('node:stream');
    const stream = new Writable({
      write(chunk, _, done) {
        chunks.push(String(chunk));
        done();
      },
    });
    const log = createLogger({ level: 'info', format: 'pretty', isTerminal: false, stream });
    log.info({ secret: 'do-not-write-me' }, `key ${KEY}`);
    await new Promise((resolve) => setImmediate(resolve));
    expect(chunks.join('')).toMatch(/INFO.*key slk_0123456789abcdef_\[redacted\]/);
    expect(chunks.join('')).not.toMatch(/do-not-write-me|ABCdef/);
  });
});
