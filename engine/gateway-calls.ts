/** Calls through a gateway by those who take one command apart into several. A number is the code with which a call was not taken. */
import { COMMANDS, type CommandName } from '../protocol/commands.ts';
import { FRAME_HEADER, REFUSED_KIND, REPLY_BIT } from '../protocol/frame.ts';
import { writeHeader } from '../protocol/frame-header.ts';
import { encodeRecord, type FieldTable, type Layout, type RecordOf } from '../protocol/layout.ts';
import { decodeMessagePack, encodeMessagePack } from '../protocol/message-pack.ts';
import type { RegistryReply } from '../protocol/registry-bodies.ts';
import { Code } from '../protocol/results.ts';
import { type CommandEnvelope, call, type Gateway } from './gateway.ts';

export type RichAnswer = RegistryReply | number;

/** Body of the reply to a command of `count` records, or of as many bytes. */
export async function askRecords(
  gateway: Gateway,
  name: CommandName,
  institution: number,
  body: Uint8Array,
  count = 1,
): Promise<DataView | number> {
  const frame = await call(gateway, { kind: COMMANDS[name].kind, flags: 0, count, institution }, body);
  if (typeof frame === 'number') return frame;
  const view = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, frame.length - FRAME_HEADER.size);
  return frame[FRAME_HEADER.at.kind] === REFUSED_KIND ? view.getUint16(0, true) : view;
}

/** @param body a MessagePack map */
export async function askRich<R extends object = RegistryReply>(
  gateway: Gateway,
  name: CommandName,
  institution: number,
  body: Uint8Array,
): Promise<R | number> {
  const view = await askRecords(gateway, name, institution, body, body.length);
  if (typeof view === 'number') return view;
  const reply = decodeMessagePack(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return reply === undefined ? Code.internalError : (reply as object as R);
}

export function recordBytes<F extends FieldTable>(shape: Layout<F>, fields: Partial<RecordOf<F>>): Uint8Array {
  const bytes = new Uint8Array(shape.size);
  encodeRecord(shape, new DataView(bytes.buffer), 0, fields);
  return bytes;
}

/** The frame that answers the request of this envelope. */
export function richFrame({ kind, requestIdLow, requestIdHigh }: CommandEnvelope, reply: RegistryReply): Uint8Array {
  const packed = encodeMessagePack(reply);
  const frame = new Uint8Array(FRAME_HEADER.size + packed.length);
  writeHeader(frame, kind | REPLY_BIT, 0, packed.length, requestIdLow, requestIdHigh);
  frame.set(packed, FRAME_HEADER.size);
  return frame;
}
