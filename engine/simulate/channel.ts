/**
 * What partitions say to each other, on its way: a queue for each direction of each pair. Nothing arrives by itself. Within one
 * direction the order stays, as the clearing house promises it; all else comes in any order, late, and more than once.
 */
import { Code } from '../../protocol/results.ts';
import type { CommandEnvelope, ReplySink } from '../gateway.ts';
import type { ClearingPort, ParcelTaker } from '../router/lane.ts';
import { ClearingKinds } from '../worker/clearing-commands.ts';

interface Message {
  readonly to: number;
  readonly envelope: CommandEnvelope;
  readonly body: Uint8Array;
  readonly sink: ReplySink;
  readonly isRepeat: boolean;
}

const MESSAGES: readonly number[] = Object.values(ClearingKinds);
const LATE: readonly number[] = [ClearingKinds.receiveCrossings, ClearingKinds.carryOutPart];

/** Nobody is left who waits for the answer. */
const NOBODY: ReplySink = { deliver: (replies) => void replies.take() };
/** A partition that sends to itself: what is unfinished after a start. The first command of its lane, so it does not wait. */
const ITSELF = -1;

export class Channel {
  readonly #partitions: number;
  readonly #links: Message[][];
  #lanes: readonly ParcelTaker[] = [];
  /** Whose batch or answer is being passed on. */
  #from = ITSELF;

  constructor(partitions: number) {
    this.#partitions = partitions;
    this.#links = Array.from({ length: partitions * partitions }, () => []);
  }

  get isEmpty(): boolean {
    return this.#links.every((link) => link.length === 0);
  }

  /** The port of a partition's lane; what goes out of it is noted as this partition's. */
  port(partition: number, port: ClearingPort): ClearingPort {
    return {
      ...port,
      send: (messages) => this.#as(partition, () => port.send(messages)),
      sendParts: (messages) => this.#as(partition, () => port.sendParts(messages)),
    };
  }

  /** What the clearing house takes for the lanes. */
  takers(lanes: readonly ParcelTaker[]): ParcelTaker[] {
    this.#lanes = lanes;
    return lanes.map((lane, to) => ({
      submit: (envelope, body, sink) => {
        // A client's command that waited its turn is no message.
        if (this.#from === ITSELF || !MESSAGES.includes(envelope.kind)) return lane.submit(envelope, body, sink);
        this.#links[this.#from * this.#partitions + to]?.push({ to, envelope, body, sink, isRepeat: false });
        return Code.ok;
      },
    }));
  }

  /**
   * Requests that were under way when a process ended arrive all the same; whoever waited for the answers is gone. Answers do not:
   * a reply that waits for one would never hear of it.
   */
  inherit(before: Channel): void {
    for (const [which, link] of before.#links.entries()) {
      const late = link.filter(({ envelope }) => LATE.includes(envelope.kind));
      this.#links[which]?.push(...late.map((message) => ({ ...message, sink: NOBODY, isRepeat: true })));
    }
  }

  /**
   * The oldest messages of a link arrive, as far as the partition has room.
   *
   * @param again whether each is sent once more, behind the others
   */
  deliver(link: number, count: number, again: boolean): void {
    const queue = this.#links[link % this.#links.length] ?? [];
    for (let left = Math.min(count, queue.length); left > 0; left--) {
      const [message] = queue;
      if (message === undefined || !this.#arrives(message)) return;
      queue.shift();
      if (again && !message.isRepeat) queue.push({ ...message, isRepeat: true });
    }
  }

  deliverAll(): void {
    for (const [link, queue] of this.#links.entries()) this.deliver(link, queue.length, false);
  }

  #arrives({ to, envelope, body, sink }: Message): boolean {
    const lane = this.#lanes[to];
    const answered: ReplySink = { deliver: (replies) => this.#as(to, () => sink.deliver(replies)) };
    return lane !== undefined && lane.submit(envelope, body, answered) === Code.ok;
  }

  #as(partition: number, act: () => void): void {
    const before = this.#from;
    this.#from = partition;
    act();
    this.#from = before;
  }
}
