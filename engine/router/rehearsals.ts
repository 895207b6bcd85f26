/**
 * Dry runs that need several partitions: see worker/enquiry.ts.
 *
 *   first rehearsal ─ enquiries ─▶ each other partition rehearses ─ answers ─▶ the command again, with them ─▶ its reply
 *
 * Nothing is held anywhere meanwhile. When the second rehearsal would ask something else than the first, since something has changed, it
 * begins anew, a few times at most.
 */
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION, type ReplySink, RouterFlags } from '../gateway.ts';
import { ClearingKinds } from '../worker/clearing-commands.ts';
import { type Enquiry, joinAnswers, readAnswers } from '../worker/enquiry.ts';
import type { WaitingCommand } from './batch-replies.ts';
import { deliverOne, Gather, refusalFrame } from './gather.ts';
import type { ParcelTaker } from './lane.ts';

/** How often a dry run asks others before it is refused as `busy`. */
const ROUNDS_MAX = 4;

interface Asking {
  readonly sink: ReplySink;
  readonly command: WaitingCommand;
  /** How often it has asked before. */
  readonly round: number;
}

export class Rehearsals {
  /** Of the batch whose replies are being delivered, which is one at a time: by the number of the enquiry. */
  readonly #asking = new Map<number, Asking>();
  #lanes: readonly ParcelTaker[] = [];

  connect(lanes: readonly ParcelTaker[]): void {
    this.#lanes = lanes;
  }

  /** Keeps a command that asks others, until `ask`, which follows at once. */
  add(number: number, sink: ReplySink, waiting: WaitingCommand): void {
    this.#asking.set(number, { sink, ...withoutAnswers(waiting) });
  }

  /** Asks what the commands of a batch that are kept ask; they came from `partition`. */
  ask(partition: number, enquiries: readonly (readonly Enquiry[])[]): void {
    for (const [number, questions] of enquiries.entries()) {
      const asking = this.#asking.get(number);
      if (asking !== undefined) this.#askAll(partition, asking, questions);
    }
    this.#asking.clear();
  }

  #askAll(partition: number, { sink, command, round }: Asking, questions: readonly Enquiry[]): void {
    const { envelope, body } = command;
    const refuse = (code: number): void => deliverOne(sink, refusalFrame(envelope, code));
    if (round === ROUNDS_MAX) return refuse(Code.busy);
    const gather = new Gather(sink, (replies) => {
      const answers = joinAnswers(
        replies.map((reply) => reply.subarray(FRAME_HEADER.size)),
        round + 1,
      );
      const whole = new Uint8Array(answers.length + body.length);
      whole.set(answers);
      whole.set(body, answers.length);
      const again = { ...envelope, flags: envelope.flags | RouterFlags.withAnswers };
      const code = this.#lanes[partition]?.submit(again, whole, sink) ?? Code.shuttingDown;
      return code === Code.ok ? undefined : refusalFrame(envelope, code);
    });
    const parts = questions.map((question) => ({ question, part: gather.part() }));
    for (const { question, part } of parts) {
      const { to, count, body: asked } = question;
      const ids = { requestIdLow: 0, requestIdHigh: 0, institution: OPERATOR_INSTITUTION };
      const about = { kind: ClearingKinds.rehearse, flags: FrameFlags.dryRun, count, ...ids };
      const code = this.#lanes[to]?.submit(about, asked, part) ?? Code.shuttingDown;
      if (code === Code.ok) continue;
      gather.abandon();
      return refuse(code);
    }
  }
}

/** A command as it came from its client, and how often it has asked others. */
export function withoutAnswers(waiting: WaitingCommand): { readonly command: WaitingCommand; readonly round: number } {
  const { envelope, body } = waiting;
  if ((envelope.flags & RouterFlags.withAnswers) === 0) return { command: waiting, round: 0 };
  const { bytes, round } = readAnswers(new DataView(body.buffer, body.byteOffset), 0);
  const flags = envelope.flags & ~RouterFlags.withAnswers;
  return { command: { envelope: { ...envelope, flags }, body: body.subarray(bytes) }, round };
}
