/** What every command answers: a code, its name, what to tell the person, and what to do next. */
import { RESULT, ResultFlags } from '../records.ts';
import { RESULTS, type ResultName, type Retry, resultName, resultSpec } from '../results.ts';
import { needBytes } from './record-codec.ts';

export interface Message {
  readonly en: string;
  readonly zh: string;
}

export interface Result {
  readonly code: number;
  /** Codes of a newer server are called `internalError`; `code` has the number. */
  readonly name: ResultName;
  /** `later`: nothing was decided, ask again with the same id after a pause. */
  readonly retry: Retry;
  /** For the person who pays. */
  readonly message: Message;
  /** The id was decided before and this is the first answer again. */
  readonly replayed: boolean;
  /** Nothing was done or kept: it was a dry run. */
  readonly dryRun: boolean;
  /** When it was first decided: microseconds since 1970; 0 when nothing was. */
  readonly timestamp: bigint;
}

/** One object per row, shared by all results: a batch has thousands. */
const MESSAGES: ReadonlyMap<string, Message> = new Map(
  Object.entries(RESULTS).map(([name, { en, zh }]) => [name, Object.freeze({ en, zh })]),
);

export function nameOfCode(code: number): ResultName {
  return resultName(code) ?? 'internalError';
}

export function resultOfCode(code: number, timestamp = 0n, flags = 0): Result {
  const name = nameOfCode(code);
  const spec = resultSpec(code);
  const replayed = (flags & ResultFlags.replayed) !== 0;
  const dryRun = (flags & ResultFlags.dryRun) !== 0;
  return { code, name, retry: spec.retry, message: MESSAGES.get(name) ?? spec, replayed, dryRun, timestamp };
}

/** Reads the RESULT at `offset`. @throws DecodeError when it is cut off. */
export function readResult(view: DataView, offset: number): Result {
  needBytes(view, offset, RESULT.size, RESULT.name);
  return resultOfCode(
    view.getUint16(offset + RESULT.at.code, true),
    view.getBigUint64(offset + RESULT.at.timestamp, true),
    view.getUint16(offset + RESULT.at.flags, true),
  );
}
