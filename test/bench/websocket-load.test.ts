import { afterEach, describe, expect, it } from 'vitest';
import type { ChildMessage, WebSocketJob } from '../../bench/load/jobs.ts';
import { runWebSocketLoad } from '../../bench/load/websocket-load.ts';
import { createApp, listen, type WebSocket } from '../../engine/transport/uws.ts';
import { FRAME_HEADER, REFUSAL, REFUSED_KIND } from '../../protocol/frame.ts';
import { requestIdLowOf, writeHeader } from '../../protocol/frame-header.ts';
import { Code } from '../../protocol/results.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(message: (socket: WebSocket<unknown>, frame: Uint8Array) => void): Promise<number> {
  const app = createApp();
  app.ws('/v1/ws', {
    maxPayloadLength: 1024 * 1024,
    maxBackpressure: 64 * 1024 * 1024,
    message: (socket, bytes) => message(socket, new Uint8Array(bytes)),
  });
  const { port } = await listen(app, '127.0.0.1', 0);
  closers.push(() => app.close());
  return port;
}

function job(port: number, more: Partial<WebSocketJob> = {}): WebSocketJob {
  return {
    type: 'websocket',
    host: '127.0.0.1',
    port,
    key: undefined,
    connections: 3,
    inFlight: 8,
    rate: undefined,
    traffic: { type: 'echo', bytes: 128 },
    seed: 1,
    warmUpMs: 20,
    measureMs: 150,
    ...more,
  };
}

// 128 bytes: many frames in one write. 100 and 70,000 bytes: headers of 6 and 14 bytes, one write each.
it.each([100, 128, 70_000])('counts what came back, in messages of %i bytes', async (bytes) => {
  let served = 0;
  const port = await serve((socket, frame) => {
    if (frame.length === bytes) served++;
    socket.send(frame, true);
  });
  const told: ChildMessage['type'][] = [];
  const load = job(port, { traffic: { type: 'echo', bytes } });
  const result = await runWebSocketLoad(load, ({ type }) => told.push(type));
  expect(told).toEqual(['measuring', 'measured']);
  expect(result.errors).toBe(0);
  expect(result.count).toBeGreaterThan(0);
  expect(result.codes).toEqual({ ok: served });
  expect(served).toBeGreaterThanOrEqual(result.count);
});

it('never has more unanswered than the window, and reuses a place only after its answer', async () => {
  const waiting = new Map<WebSocket<unknown>, Uint8Array[]>();
  let most = 0;
  let twice = 0;
  const port = await serve((socket, frame) => {
    const held = waiting.get(socket) ?? [];
    waiting.set(socket, held);
    if (held.some((other) => requestIdLowOf(other) === requestIdLowOf(frame))) twice++;
    held.push(frame.slice());
    most = Math.max(most, held.length);
    if (held.length < 8) return;
    // Answers in reverse order: replies may come in any.
    for (const each of held.splice(0).reverse()) socket.send(each, true);
  });
  const result = await runWebSocketLoad(job(port), () => {});
  expect(most).toBe(8);
  expect(twice).toBe(0);
  expect(result.count).toBeGreaterThan(100);
}, 20_000);

it('sends at the rate that is asked for', async () => {
  const port = await serve((socket, frame) => void socket.send(frame, true));
  const { count, codes } = await runWebSocketLoad(job(port, { rate: 200, measureMs: 500, warmUpMs: 0 }), () => {});
  // All that is due, and never more; a machine that stands still at the end leaves some of it unsent.
  expect(Object.keys(codes)).toEqual(['ok']);
  expect(codes.ok).toBeLessThanOrEqual(100);
  expect(codes.ok).toBeGreaterThan(50);
  expect(count).toBeGreaterThan(40);
});

describe('what is not an answer', () => {
  it('counts refused frames by their code', async () => {
    const port = await serve((socket, request) => {
      const frame = new Uint8Array(FRAME_HEADER.size + REFUSAL.size);
      writeHeader(frame, REFUSED_KIND, 0, 1, requestIdLowOf(request), 0);
      new DataView(frame.buffer).setUint16(FRAME_HEADER.size, Code.busy, true);
      socket.send(frame, true);
    });
    const { errors, codes } = await runWebSocketLoad(job(port, { measureMs: 50 }), () => {});
    expect(Object.keys(codes)).toEqual(['busy']);
    expect(errors).toBe(codes.busy);
  });

  it('counts what a broken connection leaves open', async () => {
    let frames = 0;
    const port = await serve((socket, frame) => {
      if (++frames > 100) socket.close();
      else socket.send(frame, true);
    });
    const { errors, codes } = await runWebSocketLoad(job(port, { connections: 1, measureMs: 50 }), () => {});
    // The server drops what it has not written yet; the window was full when it closed.
    expect(codes.ok).toBeLessThanOrEqual(100);
    expect(errors).toBe(8);
    expect(codes.lost).toBe(8);
  });

  it('counts replies that nobody asked for', async () => {
    const port = await serve((socket, frame) => {
      socket.send(frame, true);
      socket.send(frame, true);
    });
    const { codes } = await runWebSocketLoad(job(port, { measureMs: 50 }), () => {});
    expect(codes.lost).toBeGreaterThan(0);
  });
});
