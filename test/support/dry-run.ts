/** Dry runs of requests, and their replies made comparable with those of the commands themselves. */
import type { CommandName } from '../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { countOf, flagsOf } from '../../protocol/frame-header.ts';
import { BALANCES, RESULT, ResultFlags } from '../../protocol/records.ts';
import type { Request } from './desk.ts';

export function dryRun(request: Request): Request {
  return { ...request, flags: request.flags | FrameFlags.dryRun };
}

/** The reply of a dry run as if it had been none. Throws when the frame or one of its results lacks the flag. */
export function withoutDryRun(frame: Uint8Array, name: CommandName): Uint8Array {
  const flags = flagsOf(frame);
  if ((flags & FrameFlags.dryRun) === 0) throw new Error(`the reply of ${name} does not say that it was a dry run`);
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  view.setUint16(FRAME_HEADER.at.flags, flags & ~FrameFlags.dryRun, true);
  const stride = (flags & FrameFlags.balances) === 0 ? RESULT.size : RESULT.size + BALANCES.size;
  for (let index = 0; index < countOf(frame); index++) {
    const at = FRAME_HEADER.size + index * stride + RESULT.at.flags;
    const kept = view.getUint16(at, true);
    if ((kept & ResultFlags.dryRun) === 0) throw new Error(`result ${index} of ${name} does not say it was a dry run`);
    view.setUint16(at, kept & ~ResultFlags.dryRun, true);
  }
  return copy;
}
