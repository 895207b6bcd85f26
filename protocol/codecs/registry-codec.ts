/** The commands of registry-bodies.ts: a MessagePack map → RegistryReply */
import { LIMITS } from '../limits.ts';
import { encodeMessagePack } from '../message-pack.ts';
import {
  parseRegistryBody,
  parseRegistryReply,
  type RegistryBodies,
  type RegistryCommand,
  type RegistryReply,
} from '../registry-bodies.ts';
import { EncodeError } from './codec-error.ts';
import { buildFrame, type FrameOptions, type Reply } from './frame-codec.ts';
import { type Result, resultOfCode } from './result-codec.ts';
import { readRich } from './rich-codec.ts';

/** `timestamp` is 0 and `replayed` false. */
export type RegistryResult = Result & RegistryReply;

/** @throws EncodeError with the path of the first wrong field. */
export function encodeRegistry<C extends RegistryCommand>(
  command: C,
  body: RegistryBodies[C],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  const checked = parseRegistryBody(command, body);
  if (!checked.ok) throw new EncodeError(checked.path === '' ? command : `${command}.${checked.path}`, checked.message);
  const bytes = encodeMessagePack(checked.value);
  if (bytes.length > LIMITS.richBodyBytesMax) throw new EncodeError(command, `has ${bytes.length} bytes of body`);
  return buildFrame(command, options, { count: bytes.length, bodyBytes: bytes.length }, (view) => {
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
  });
}

/** @throws DecodeError */
export function decodeRegistry(reply: Reply, command: RegistryCommand): RegistryResult {
  const value = readRich(reply, command, parseRegistryReply);
  return { ...resultOfCode(value.code), ...value };
}
