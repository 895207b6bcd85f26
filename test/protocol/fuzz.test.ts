/** Whatever arrives: a result code from the server's check, a value or a typed error from the client's decoders. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBody, checkFrame } from '../../protocol/check-frame.ts';
import { DecodeError } from '../../protocol/codecs/codec-error.ts';
import { openReply, readRefusal } from '../../protocol/codecs/frame-codec.ts';
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { writeHeader } from '../../protocol/frame-header.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import { resultName } from '../../protocol/results.ts';
import { CLIENT_CODECS } from './support/client-side.ts';
import { fromHex, readGolden } from './support/golden-file.ts';
import { readRequest } from './support/server-side.ts';

const commands = Object.keys(COMMANDS) as CommandName[];
const vectors = readGolden().map(({ command, balances, request, reply }) => ({
  command,
  balances,
  request: fromHex(request.hex),
  reply: fromHex(reply.hex),
}));

/** Between two guards that no decoder may reach: a read outside would change with them. */
function guarded(bytes: Uint8Array, guard: number): Uint8Array {
  const outer = new Uint8Array(bytes.length + 64).fill(guard);
  outer.set(bytes, 32);
  return outer.subarray(32, 32 + bytes.length);
}

function checked(frame: Uint8Array): number {
  const code = checkFrame(frame);
  if (resultName(code) === undefined) throw new Error(`no result ${code}`);
  if (code === 0) readRequest(frame);
  return code;
}

function decoded(command: CommandName, balances: boolean, frame: Uint8Array): string {
  try {
    const reply = openReply(frame);
    const value = readRefusal(reply) ?? CLIENT_CODECS[command].decode(reply, { requestId: 0, balances });
    return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}` : item)) ?? '';
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

function expectSame(command: CommandName, balances: boolean, request: Uint8Array, reply: Uint8Array): void {
  expect(checked(guarded(request, 0x00))).toBe(checked(guarded(request, 0xff)));
  expect(decoded(command, balances, guarded(reply, 0x00))).toBe(decoded(command, balances, guarded(reply, 0xff)));
}

describe('damaged frames', () => {
  it('every golden frame cut off at every byte', () => {
    for (const { command, balances, request, reply } of vectors) {
      for (let end = 0; end < request.length; end++) checked(guarded(request.subarray(0, end), 0xff));
      for (let end = 0; end < reply.length; end++) decoded(command, balances, guarded(reply.subarray(0, end), 0xff));
    }
  });

  it('every single bit of every golden frame flipped; with a checksum, each is found', () => {
    for (const { command, balances, request, reply } of vectors) {
      const isSealed = (request[2]! & 1) === 1;
      for (let bit = 0; bit < request.length * 8; bit++) {
        const flipped = request.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const code = checked(flipped);
        // Where the flag itself flipped, the checksum is four bytes too many for the body.
        if (isSealed) expect(code, `bit ${bit}`).not.toBe(0);
      }
      for (let bit = 0; bit < reply.length * 8; bit++) {
        const flipped = reply.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        decoded(command, balances, flipped);
      }
    }
  });

  it('any number of bytes changed, cut or added', () => {
    const change = fc.record({ at: fc.nat(), value: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...vectors),
        fc.array(change, { maxLength: 6 }),
        fc.nat(40),
        fc.uint8Array({ maxLength: 20 }),
        ({ command, balances, request, reply }, changes, cut, tail) => {
          const damage = (bytes: Uint8Array): Uint8Array => {
            const copy = Uint8Array.from([...bytes.subarray(0, Math.max(0, bytes.length - cut)), ...tail]);
            for (const { at, value } of changes) if (copy.length > 0) copy[at % copy.length] = value;
            return copy;
          };
          expectSame(command, balances, damage(request), damage(reply));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('any body behind a true header, for every command', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...commands),
        fc.uint8Array({ maxLength: 700 }),
        fc.oneof(fc.nat(8), fc.nat(0xffff_ffff)),
        fc.boolean(),
        (command, body, count, balances) => {
          const frame = new Uint8Array(16 + body.length);
          frame.set(body, 16);
          const trueCount = COMMANDS[command].body === 'rich' ? body.length : count;
          writeHeader(frame, COMMANDS[command].kind | 0x80, 0, trueCount, 0, 0);
          const request = frame.slice();
          writeHeader(request, COMMANDS[command].kind, 0, trueCount, 0, 0);
          expectSame(command, balances, request, frame);
          expect(checkBody(command, 0, trueCount, body)).toBe(checkFrame(request));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('any MessagePack: one map, or undefined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0x80, max: 0x8f }), (tail, lead) => {
        const value = decodeMessagePack(Uint8Array.from([lead, ...tail]));
        if (value !== undefined) expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      }),
      { numRuns: 5000 },
    );
  });
});
