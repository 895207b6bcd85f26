import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkFrame } from '../../protocol/check-frame.ts';
import { DecodeError } from '../../protocol/codecs/codec-error.ts';
import { openReply, readRefusal } from '../../protocol/codecs/frame-codec.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FrameFlags } from '../../protocol/frame.ts';
import { kindOf } from '../../protocol/frame-header.ts';
import { Code } from '../../protocol/results.ts';
import { GOLDEN_CASES } from '../golden/golden-cases.ts';
import { CLIENT_CODECS } from './support/client-side.ts';
import { formatGolden, fromHex, GOLDEN_FOLDER, parseGolden, readGolden, toHex } from './support/golden-file.ts';
import { readRequest, writeRefusal, writeReply } from './support/server-side.ts';

/** As the golden files hold it: without messages and undefined fields. */
const plain = (value: unknown): unknown => parseGolden<unknown>(formatGolden(value));
const vectors = readGolden();

describe.each(vectors)('golden: $name', ({ command, requestId, checksum, balances, request, reply }) => {
  const codec = CLIENT_CODECS[command];
  const options = { requestId, checksum, balances };

  it('the client writes the request', () => {
    expect(toHex(codec.encode(request.input as never, options))).toBe(request.hex);
  });

  it('the server reads the request', () => {
    const frame = fromHex(request.hex);
    expect(checkFrame(frame)).toBe(Code.ok);
    const flags = (checksum ? FrameFlags.checksum : 0) | (balances ? FrameFlags.balances : 0);
    expect(readRequest(frame)).toEqual({ command, flags, requestId, input: request.input });
  });

  it('the server writes the reply', () => {
    const { value, refusal } = reply;
    const frame = refusal === undefined ? writeReply(command, options, value) : writeRefusal(options, refusal as never);
    expect(toHex(frame)).toBe(reply.hex);
  });

  it('the client reads the reply, wherever it lies in a buffer', () => {
    const bytes = fromHex(reply.hex);
    const outer = new Uint8Array(bytes.length + 14).fill(0xee);
    outer.set(bytes, 7);
    const opened = openReply(outer.subarray(7, 7 + bytes.length));
    expect(opened.requestId).toBe(requestId);
    const refusal = readRefusal(opened);
    if (reply.refusal === undefined) {
      expect(refusal).toBeUndefined();
      expect(plain(codec.decode(opened, options))).toEqual(reply.value);
    } else {
      expect(refusal).toMatchObject(reply.refusal as object);
    }
  });
});

describe.each(vectors.filter(({ checksum }) => !checksum))('the reply of $name', ({ command, reply, ...options }) => {
  const decode = (frame: Uint8Array): unknown => {
    const opened = openReply(frame);
    return readRefusal(opened) ?? CLIENT_CODECS[command].decode(opened, options);
  };

  it('is refused with a byte too many, and with another count', () => {
    const frame = fromHex(reply.hex);
    expect(() => decode(Uint8Array.from([...frame, 0]))).toThrow(DecodeError);
    const counted = frame.slice();
    counted[4] = counted[4]! + 1;
    const hasCount =
      reply.refusal === undefined &&
      ![
        'ping',
        'balancesAt',
        'endChain',
        'sale',
        'authorise',
        'capture',
        'void',
        'refund',
        'revert',
        'release',
        'confirm',
        'cancelPayment',
      ].includes(command);
    if (hasCount) expect(() => decode(counted)).toThrow(DecodeError);
  });
});

describe('the golden files', () => {
  it('show every command, and refused frames', () => {
    const kinds = new Set(vectors.map(({ request }) => kindOf(fromHex(request.hex))));
    expect([...kinds].sort()).toEqual(
      Object.values(COMMANDS)
        .map(({ kind }) => kind)
        .sort(),
    );
    expect(vectors.some(({ reply }) => reply.refusal !== undefined)).toBe(true);
  });

  it.each(Object.entries(GOLDEN_CASES))('%s.json says what golden-cases.ts says', (family, cases) => {
    const vectorsOfFamily = parseGolden(readFileSync(new URL(`${family}.json`, GOLDEN_FOLDER), 'utf8'));
    const said = vectorsOfFamily.map(({ name, command, checksum, balances, request, reply }) => ({
      ...{ name, command, checksum, balances, input: request.input },
      ...(reply.refusal === undefined ? { value: reply.value } : { refusal: reply.refusal }),
    }));
    expect(said).toEqual(plain(cases.map((golden) => ({ checksum: false, balances: false, ...golden }))));
  });
});
