// Framing: whatever pieces the bytes come in, the messages are the same; what cannot be a frame is said, and ends it.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { describeFrameProblem, type FrameProblem } from '../../../../adapters/terminal/link/frame-problem.ts';
import {
  answeringTpdu,
  FRAMINGS,
  type Framing,
  FrameReader,
  frameLimit,
  frameOf,
  requestingTpdu,
} from '../../../../adapters/terminal/link/framing.ts';
import { hex, SeededBytes } from '../../../support/seeded-bytes.ts';

const TPDU = requestingTpdu(0x0123, 0x4567);

function framed(framing: Framing, message: Uint8Array): Buffer {
  const frame = frameOf(framing, message, framing === 'tpdu' ? TPDU : undefined);
  return frame ?? expect.fail('no frame');
}

function readAll(framing: Framing, chunks: readonly Buffer[], max = 8192) {
  const reader = new FrameReader(framing, max);
  const messages: string[] = [];
  const headers: string[] = [];
  let problem: FrameProblem | undefined;
  for (const chunk of chunks) {
    problem ??= reader.read(chunk, (message, header) => {
      messages.push(message.toString('hex'));
      headers.push(header.toString('hex'));
    });
  }
  return {
    messages,
    headers,
    waiting: reader.waiting,
    problem: problem && describeFrameProblem(problem),
    code: problem?.code,
  };
}

describe.each(FRAMINGS)('%s', (framing) => {
  it('gives the same messages however the stream is cut (seed 8583)', () => {
    const seeded = new SeededBytes(8583);
    const sent = Array.from({ length: 40 }, () => seeded.bytes(seeded.between(10, 3000)));
    const stream = Buffer.concat(sent.map((message) => framed(framing, message)));
    const expected = sent.map((message) => Buffer.from(message).toString('hex'));
    expect(readAll(framing, [stream]).messages).toEqual(expected);
    expect(
      readAll(
        framing,
        Array.from(stream, (byte) => Buffer.of(byte)),
      ).messages,
    ).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        chunks.push(stream.subarray(at));
        const { messages, waiting, problem } = readAll(framing, chunks);
        expect({ messages, waiting, problem }).toEqual({ messages: expected, waiting: 0, problem: undefined });
      }),
      { seed: 8583, numRuns: 60 },
    );
  });

  it('takes the longest message that is configured, and no longer one', () => {
    const longest = framed(framing, Buffer.alloc(512, 1));
    const longer = framed(framing, Buffer.alloc(513, 1));
    expect(readAll(framing, [longest], 512)).toMatchObject({ code: undefined, messages: { length: 1 } });
    expect(readAll(framing, [longer], 512)).toMatchObject({ code: 'tooLong', messages: [] });
    // It is told from the length alone, without waiting for the message.
    expect(readAll(framing, [longer.subarray(0, 4)], 512).code).toBe('tooLong');
  });

  it('says what it expected of a length of zero, and of one that is too short for any message', () => {
    expect(readAll(framing, [framed(framing, Buffer.alloc(0))]).code).toBe('tooShort');
    expect(readAll(framing, [framed(framing, Buffer.alloc(9))]).code).toBe('tooShort');
  });

  it('gives what came before a problem', () => {
    const good = framed(framing, Buffer.alloc(20, 7));
    const { messages, code } = readAll(framing, [Buffer.concat([good, framed(framing, Buffer.alloc(0))])]);
    expect([messages.length, code]).toEqual([1, 'tooShort']);
  });

  it('gives views that stay as they were, whatever comes after', () => {
    const seeded = new SeededBytes(8584);
    const sent = Array.from({ length: 20 }, () => Buffer.from(seeded.bytes(seeded.between(10, 2000))));
    const stream = Buffer.concat(sent.map((message) => framed(framing, message)));
    const reader = new FrameReader(framing, 8192);
    const taken: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 700) {
      reader.read(Buffer.from(stream.subarray(at, at + 700)), (message) => taken.push(message));
    }
    expect(taken.map((message) => message.toString('hex'))).toEqual(sent.map((message) => message.toString('hex')));
  });

  it('takes nothing longer than a frame can be, whatever is configured', () => {
    const header = framing === 'tpdu' ? 5 : 0;
    const { problem } = readAll(framing, [framed(framing, Buffer.alloc(0))], 1_000_000);
    expect(problem).toContain(`from ${10 + header} to ${frameLimit(framing) + header}`);
  });

  it('sets memory aside for what came, not for what is announced', () => {
    const whole = framed(framing, Buffer.alloc(8000, 7));
    const reader = new FrameReader(framing, 8192);
    const allocated = vi.spyOn(Buffer, 'allocUnsafe');
    reader.read(whole.subarray(0, 100), () => undefined);
    expect(allocated.mock.calls).toEqual([[1024]]);
    allocated.mockRestore();
  });

  it('cannot write what its length cannot say', () => {
    const header = framing === 'tpdu' ? TPDU : undefined;
    expect(frameOf(framing, Buffer.alloc(frameLimit(framing)), header)).toBeDefined();
    expect(frameOf(framing, Buffer.alloc(frameLimit(framing) + 1), header)).toBeUndefined();
  });
});

describe('bytes on the wire', () => {
  const message = Buffer.from('0800 and more');
  it('of each framing', () => {
    expect(framed('length2', message).toString('latin1')).toBe('\x00\x0d0800 and more');
    expect(framed('ascii4', message).toString('latin1')).toBe('00130800 and more');
    expect(framed('tpdu', message).toString('latin1')).toBe('\x00\x12\x60\x01\x23\x45\x670800 and more');
  });

  it('of a TPDU: the answer goes back to where the request came from', () => {
    expect(answeringTpdu(Buffer.from(hex('6001234567'))).toString('hex')).toBe('6045670123');
    expect(answeringTpdu(Buffer.alloc(0))).toHaveLength(0);
    expect(readAll('tpdu', [framed('tpdu', message)]).headers).toEqual(['6001234567']);
    expect(frameOf('tpdu', message)).toBeUndefined();
    expect(frameOf('length2', message, TPDU)).toBeUndefined();
  });
});

describe('another framing than expected', () => {
  it.each<[Framing, string, string]>([
    [
      'length2',
      '0123080082',
      'framing length2: expected a length from 10 to 8192, found a length of 12337 (looks like 4 ASCII digits)',
    ],
    [
      'length2',
      '\x16\x03\x01\x02\x00',
      'framing length2: expected a length from 10 to 512, found a length of 5635 (looks like TLS)',
    ],
    [
      'length2',
      'GET / HTTP/1.1',
      'framing length2: expected a length from 10 to 8192, found a length of 18245 (looks like HTTP)',
    ],
    [
      'ascii4',
      '\x00\x420800',
      'framing ascii4: expected a length from 10 to 8192 in 4 ASCII digits, found other bytes (looks like a 2-byte binary length)',
    ],
    ['ascii4', '001/0800', 'framing ascii4: expected a length from 10 to 8192 in 4 ASCII digits, found other bytes'],
    [
      'ascii4',
      'POST / HTTP/1.1',
      'framing ascii4: expected a length from 10 to 8192 in 4 ASCII digits, found other bytes (looks like HTTP)',
    ],
    ['tpdu', '\x00\x420800', 'framing tpdu: expected a TPDU that begins with 60, found byte 30'],
    ['tpdu', '\xff\xff', 'framing tpdu: expected a length from 15 to 8197, found a length of 65535'],
  ])('%s with %j', (framing, bytes, problem) => {
    const max = bytes.startsWith('\x16') ? 512 : 8192;
    const whole = Buffer.from(bytes, 'latin1');
    expect(readAll(framing, [whole], max).problem).toBe(problem);
    expect(
      readAll(
        framing,
        Array.from(whole, (byte) => Buffer.of(byte)),
        max,
      ).problem,
    ).toBe(problem);
  });
});
