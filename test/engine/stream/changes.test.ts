import { describe, expect, it } from 'vitest';
import type { ChangesPage, ChangesRequest } from '../../../engine/gateway.ts';
import { Changes } from '../../../engine/stream/changes.ts';
import { Code } from '../../../protocol/results.ts';
import { until } from '../../support/switch.ts';

const REQUEST: ChangesRequest = { institution: 2, partition: 0, cursor: 0, limit: 9, waitMs: 0, form: 'json' };

/** Changes over pages that the test gives by hand. */
function setUp(readersMax = 10) {
  const asked: { cursor: number | 'now'; give(page: Partial<ChangesPage>): void; fail(error: Error): void }[] = [];
  const errors: unknown[] = [];
  const changes = new Changes({
    ends: [100, 100],
    readersMax,
    onError: (error) => errors.push(error),
    readPage: ({ cursor }) =>
      new Promise((resolve, reject) => {
        const empty = { code: Code.ok, body: new Uint8Array([1]), count: 0, nextCursor: 100 };
        asked.push({ cursor, give: (page) => resolve({ ...empty, ...page }), fail: reject });
      }),
  });
  const answers: ChangesPage[] = [];
  const read = (request: Partial<ChangesRequest> = {}) =>
    changes.read({ ...REQUEST, ...request }, (page) => answers.push(page));
  return { changes, asked, answers, errors, read };
}

describe('readers of the change stream', () => {
  it('are answered at once when they do not wait, also with nothing', async () => {
    const { asked, answers, read, changes } = setUp();
    read();
    asked[0]!.give({});
    await until(() => answers.length === 1, 'an answer');
    expect(answers).toMatchObject([{ code: Code.ok, body: new Uint8Array([1]) }]);
    expect(changes.readers).toBe(0);
  });

  it('wait until their partition has something, and look once for each batch', async () => {
    const { asked, answers, read, changes } = setUp();
    read({ cursor: 'now', waitMs: 10_000 });
    asked[0]!.give({ nextCursor: 100 });
    await Promise.resolve();
    changes.advanced(1, 200);
    changes.advanced(0, 100);
    expect(asked.length).toBe(1);
    changes.advanced(0, 120);
    expect(asked.map(({ cursor }) => cursor)).toEqual(['now', 100]);
    // It is looking: more news does not make it look twice at once.
    changes.advanced(0, 120);
    expect(asked.length).toBe(2);
    asked[1]!.give({ nextCursor: 120 });
    await Promise.resolve();
    changes.advanced(0, 140);
    asked[2]!.give({ count: 1, body: new Uint8Array([7]), nextCursor: 140 });
    await until(() => answers.length === 1, 'an answer');
    expect(answers[0]?.body).toEqual(new Uint8Array([7]));
    changes.advanced(0, 160);
    expect(asked.length).toBe(3);
  });

  it('look again when a batch came while they looked', async () => {
    const { asked, answers, read, changes } = setUp();
    read({ waitMs: 10_000 });
    changes.advanced(0, 120);
    asked[0]!.give({ nextCursor: 100 });
    await until(() => asked.length === 2, 'a second look');
    asked[1]!.give({ count: 1, nextCursor: 120 });
    await until(() => answers.length === 1, 'an answer');
  });

  it('get an empty page when the time is up', async () => {
    const { asked, answers, read } = setUp();
    read({ waitMs: 20 });
    asked[0]!.give({});
    await until(() => answers.length === 1, 'an answer');
    expect(answers[0]?.code).toBe(Code.ok);
  });

  it('are bounded, and one that gave up makes room and is not answered', async () => {
    const { asked, answers, read, changes } = setUp(2);
    const giveUp = read({ waitMs: 10_000 });
    read({ waitMs: 10_000 });
    read();
    await until(() => answers.length === 1, 'a refusal');
    expect(answers).toEqual([{ code: Code.tooManyReaders, body: new Uint8Array(0), count: 0, nextCursor: 0 }]);
    giveUp();
    expect(changes.readers).toBe(1);
    asked[0]!.give({ count: 1 });
    read();
    asked[2]!.give({});
    await until(() => answers.length === 2, 'room again');
    expect(answers[1]?.code).toBe(Code.ok);
  });

  it('hear of refusals and failures', async () => {
    const { asked, answers, read, errors } = setUp();
    read({ waitMs: 10_000 });
    asked[0]!.give({ code: Code.cursorInvalid });
    read({ waitMs: 10_000 });
    asked[1]!.fail(new Error('the disk is gone'));
    await until(() => answers.length === 2, 'both');
    expect(answers.map(({ code }) => code)).toEqual([Code.cursorInvalid, Code.internalError]);
    expect(errors.map(String)).toEqual(['Error: the disk is gone']);
  });

  it('are all answered when the switch stops, and later ones are refused', async () => {
    const { asked, answers, read, changes } = setUp();
    read({ waitMs: 10_000 });
    asked[0]!.give({});
    read({ waitMs: 10_000 });
    await until(() => changes.readers === 2, 'both wait');
    await Promise.resolve();
    changes.close();
    expect(answers.map(({ code }) => code)).toEqual([Code.ok, Code.shuttingDown]);
    read();
    await until(() => answers.length === 3, 'a refusal');
    expect(answers[2]?.code).toBe(Code.shuttingDown);
  });
});
