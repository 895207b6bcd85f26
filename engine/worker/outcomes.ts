/** Counts result codes by command while a batch is decided, for the metrics: typed arrays, read once a batch. */
import { COMMANDS, commandOfKind } from '../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { BALANCES, RESULT } from '../../protocol/records.ts';
import type { ReplyArea } from '../query/reply-area.ts';

const CODES = 1024;
const CODE_WORD = (FRAME_HEADER.size + RESULT.at.code) >> 2;

export class Outcomes {
  readonly #counts: (Uint32Array | undefined)[] = [];
  readonly #touched = new Set<number>();

  /** Counts the results in the reply frame just written. Rich replies carry their code inside and are not counted. */
  count(kind: number, reply: ReplyArea): void {
    const name = commandOfKind(kind);
    if (name === undefined || COMMANDS[name].body === 'rich' || reply.frameLength < FRAME_HEADER.size + RESULT.size)
      return;
    this.#touched.add(kind);
    const counts = this.#countsOf(kind);
    const frame = reply.frameStart >> 2;
    const isBatch = name === 'createTransfers' || name === 'createAccounts';
    if (!isBatch) return this.#add(counts, reply.words[frame + CODE_WORD] as number);
    const records = reply.words[frame + 1] as number;
    const withBalances = ((reply.words[frame] as number) >>> 16) & FrameFlags.balances;
    const stride = (withBalances !== 0 ? RESULT.size + BALANCES.size : RESULT.size) >> 2;
    let at = frame + CODE_WORD;
    for (let index = 0; index < records; index++, at += stride) this.#add(counts, reply.words[at] as number);
  }

  /** [kind, code, how many] since the last call. */
  take(): (readonly [number, number, number])[] {
    const out: (readonly [number, number, number])[] = [];
    for (const kind of this.#touched) {
      const counts = this.#countsOf(kind);
      for (let code = 0; code < CODES; code++) {
        const count = counts[code] as number;
        if (count !== 0) out.push([kind, code, count]);
      }
      counts.fill(0);
    }
    this.#touched.clear();
    return out;
  }

  #add(counts: Uint32Array, codeWord: number): void {
    const code = codeWord & (CODES - 1);
    counts[code] = (counts[code] as number) + 1;
  }

  #countsOf(kind: number): Uint32Array {
    const known = this.#counts[kind];
    if (known !== undefined) return known;
    const made = new Uint32Array(CODES);
    this.#counts[kind] = made;
    return made;
  }
}
