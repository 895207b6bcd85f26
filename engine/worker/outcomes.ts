/** Counts result codes by command while a batch is decided, for the metrics: typed arrays, read once a batch. */
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { BALANCES, RESULT } from '../../protocol/records.ts';
import { isUndecided } from '../ledger/results.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import { ClearingKinds, SETTLEMENT_BYTES, SETTLEMENT_CODE_WORD, SettlementWord } from './clearing-commands.ts';

const CODES = 1100;
const CODE_WORD = (FRAME_HEADER.size + RESULT.at.code) >> 2;

/** How the results of a command stand in its reply: one per record, one in all, or inside a rich body (not counted). */
const Form = { none: 0, one: 1, each: 2 } as const;

const FORM_OF_KIND = new Uint8Array(256);
for (const name of Object.keys(COMMANDS) as CommandName[]) {
  const { kind, body } = COMMANDS[name];
  const isBatch = name === 'createTransfers' || name === 'createAccounts' || name === 'changeAccounts';
  FORM_OF_KIND[kind] = isBatch ? Form.each : body === 'records' || body === 'record' ? Form.one : Form.none;
}

export class Outcomes {
  readonly #counts: (Uint32Array | undefined)[] = new Array<Uint32Array | undefined>(256).fill(undefined);
  readonly #touched = new Uint8Array(256);

  /** Counts the results in the reply frame just written. */
  count(kind: number, reply: ReplyArea): void {
    if (kind === ClearingKinds.settleCrossings || kind === ClearingKinds.collectPart) return this.#countSettled(reply);
    const form = FORM_OF_KIND[kind];
    if (form === Form.none) return;
    const counts = this.#countsOf(kind);
    const { words } = reply;
    const frame = reply.frameStart >> 2;
    const flags = (words[frame] as number) >>> 16;
    if ((flags & FrameFlags.dryRun) !== 0) return;
    const records = form === Form.each ? (words[frame + 1] as number) : 1;
    const withBalances = form === Form.each && (flags & FrameFlags.balances) !== 0;
    const stride = (withBalances ? RESULT.size + BALANCES.size : RESULT.size) >> 2;
    let at = frame + CODE_WORD;
    for (let index = 0; index < records; index++, at += stride) {
      const code = (words[at] as number) & 0xffff;
      // Counted when it is settled.
      if (isUndecided(code)) continue;
      counts[code] = (counts[code] as number) + 1;
    }
  }

  /** [kind, code, how many] since the last call. */
  take(): (readonly [number, number, number])[] {
    const out: (readonly [number, number, number])[] = [];
    for (let kind = 0; kind < 256; kind++) {
      if (this.#touched[kind] === 0) continue;
      const counts = this.#countsOf(kind);
      for (let code = 0; code < CODES; code++) {
        const count = counts[code] as number;
        if (count !== 0) out.push([kind, code, count]);
      }
      counts.fill(0);
      this.#touched[kind] = 0;
    }
    return out;
  }

  /** What other partitions have answered: results that were left out before. */
  #countSettled(reply: ReplyArea): void {
    const { words } = reply;
    const frame = reply.frameStart >> 2;
    const settled = words[frame + 1] as number;
    let at = frame + (FRAME_HEADER.size >> 2);
    for (let index = 0; index < settled; index++, at += SETTLEMENT_BYTES >> 2) {
      const counts = this.#countsOf(words[at + SettlementWord.kind] as number);
      const code = (words[at + SETTLEMENT_CODE_WORD] as number) & 0xffff;
      counts[code] = (counts[code] as number) + 1;
    }
  }

  #countsOf(kind: number): Uint32Array {
    this.#touched[kind] = 1;
    const known = this.#counts[kind];
    if (known !== undefined) return known;
    const made = new Uint32Array(CODES);
    this.#counts[kind] = made;
    return made;
  }
}
