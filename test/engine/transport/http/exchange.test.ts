import { describe, expect, it } from 'vitest';
import { Exchange } from '../../../../engine/transport/http/exchange.ts';
import { answer } from '../../../../engine/transport/http/outcome.ts';
import type { HttpResponse } from '../../../../engine/transport/uws.ts';

/** A socket that takes `room` bytes at a time: loopback's buffers hold all that we ever answer, a network's do not. */
function slowResponse(room: number) {
  const headBytes = 100;
  let body = Buffer.alloc(0);
  let writable: (offset: number) => boolean = () => true;
  let aborted = () => {};
  const response: HttpResponse = Object.assign(Object.create(null), {
    cork: (write: () => void) => write(),
    writeStatus: () => response,
    writeHeader: () => response,
    onAborted: (handler: () => void) => {
      aborted = handler;
    },
    onWritable: (handler: typeof writable) => {
      writable = handler;
    },
    getWriteOffset: () => headBytes + body.length,
    tryEnd(bytes: Uint8Array, total: number): [boolean, boolean] {
      body = Buffer.concat([body, bytes.subarray(0, room)]);
      return [bytes.length <= room, body.length >= total];
    },
  });
  return { response, body: () => body, drain: () => writable(headBytes + body.length), abort: () => aborted() };
}

describe('an answer that the socket does not take at once', () => {
  const value = { text: '长'.repeat(40_000) };

  it('goes out in order as the socket drains, and closes once', () => {
    const slow = slowResponse(7001);
    let closed = 0;
    const exchange = new Exchange(slow.response, 'en', false);
    exchange.onClosed(() => closed++);
    exchange.finish(answer(value));
    expect(closed).toBe(0);
    for (let i = 0; i < 100 && closed === 0; i++) slow.drain();
    expect(JSON.parse(slow.body().toString())).toEqual(value);
    expect(closed).toBe(1);
  });

  it('is dropped when the reader leaves', () => {
    const slow = slowResponse(7001);
    let closed = 0;
    const exchange = new Exchange(slow.response, 'en', false);
    exchange.onClosed(() => closed++);
    exchange.finish(answer(value));
    slow.abort();
    expect(closed).toBe(1);
    expect(slow.drain()).toBe(true);
    expect(slow.body().length).toBe(7001);
  });
});
