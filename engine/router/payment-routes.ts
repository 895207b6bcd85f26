/**
 * Where payments and their operations go when there are several partitions: a payment lives with its payer; an operation names its
 * payment and not where that lives.
 */
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { ACCOUNT, PAYMENT, PAYMENT_OPERATION, RESULT, ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { type CommandEnvelope, OPERATOR_INSTITUTION, type ReplySink, RouterFlags } from '../gateway.ts';
import { ClearingKinds } from '../worker/clearing-commands.ts';
import { deliverOne, Gather, refusalFrame } from './gather.ts';
import type { Lane } from './lane.ts';
import { readCode } from './merge.ts';
import { partitionAt } from './split.ts';

export class PaymentRoutes {
  readonly #lanes: readonly Lane[];
  /** Payments whose payee is being asked for, by id: what is to be done when they have gone on to their partition. */
  readonly #asking = new Map<string, (() => void)[]>();

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
  }

  /** Sale and authorise. What their partition has to know of a payee elsewhere never changes, so it is asked for before. */
  create(request: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const envelope = crossing(request);
    const home = partitionAt(body, PAYMENT.at.payerAccountId, this.#lanes.length);
    const payeeAt = PAYMENT.at.payeeAccountId;
    const payeeHome = partitionAt(body, payeeAt, this.#lanes.length);
    if (payeeHome === home) return this.#submit(home, envelope, body, sink);
    const payment = body.slice();
    const answered = new Gather(sink, ([answer]) => {
      const withPayee = new Uint8Array(ACCOUNT.size + payment.length);
      withPayee.set(answer?.subarray(FRAME_HEADER.size + RESULT.size) ?? []);
      withPayee.set(payment, ACCOUNT.size);
      const flags = envelope.flags | RouterFlags.withPayee;
      const code = this.#submit(home, { ...envelope, flags }, withPayee, sink);
      this.#asked(payment);
      return code === Code.ok ? undefined : refusalFrame(envelope, code);
    });
    const question = asked(envelope, COMMANDS.lookupAccounts.kind, 1);
    const code = this.#submit(payeeHome, question, payment.slice(payeeAt, payeeAt + 16), answered.part());
    const key = idAt(payment, PAYMENT.at.id);
    if (code === Code.ok && !this.#asking.has(key)) this.#asking.set(key, []);
    return code;
  }

  /**
   * Capture, void, refund and revert. All partitions are asked: the one that has decided the operation before answers again, else the one
   * that knows the payment decides. One that nobody knows is refused, and the refusal remembered, where its id hashes to.
   */
  operate(request: CommandEnvelope, shared: Uint8Array, sink: ReplySink): number {
    // Both are used again when this has returned.
    const envelope = crossing(request);
    const body = shared.slice();
    const waiting = this.#asking.get(idAt(body, PAYMENT_OPERATION.at.paymentId));
    if (waiting === undefined) return this.#locate(envelope, body, sink);
    waiting.push(() => {
      const code = this.#locate(envelope, body, sink);
      if (code !== Code.ok) deliverOne(sink, refusalFrame(envelope, code));
    });
    return Code.ok;
  }

  #locate(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const { id, paymentId } = PAYMENT_OPERATION.at;
    const ids = new Uint8Array(32);
    ids.set(body.subarray(paymentId, paymentId + 16));
    ids.set(body.subarray(id, id + 16), 16);
    const gather = new Gather(sink, (parts) => {
      const decided = parts.findIndex((part) => (readFlags(part) & ResultFlags.replayed) !== 0);
      const known = parts.findIndex((part) => readCode(part, FRAME_HEADER.size) === Code.ok);
      const found = decided >= 0 ? decided : known;
      const home = found >= 0 ? found : partitionAt(body, paymentId, this.#lanes.length);
      const code = this.#submit(home, envelope, body, sink);
      return code === Code.ok ? undefined : refusalFrame(envelope, code);
    });
    const question = asked(envelope, ClearingKinds.locateOperation, 1);
    const parts = this.#lanes.map(() => gather.part());
    for (const [partition, part] of parts.entries()) {
      const code = this.#submit(partition, question, ids, part);
      if (code === Code.ok) continue;
      gather.abandon();
      return code;
    }
    return Code.ok;
  }

  /** The payment has gone to its partition: whatever was asked of it follows. */
  #asked(payment: Uint8Array): void {
    const key = idAt(payment, PAYMENT.at.id);
    const waiting = this.#asking.get(key) ?? [];
    this.#asking.delete(key);
    for (const goOn of waiting) goOn();
  }

  #submit(partition: number, envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const lane = this.#lanes[partition];
    if (lane === undefined) throw new Error(`no partition ${partition}`);
    return lane.submit(envelope, body, sink);
  }
}

/** A copy of the envelope of a command that may take part in what partitions carry out together. */
function crossing(envelope: CommandEnvelope): CommandEnvelope {
  return { ...envelope, flags: envelope.flags | RouterFlags.mayCross };
}

/** The envelope of a question that the router asks for itself. */
function asked(envelope: CommandEnvelope, kind: number, count: number): CommandEnvelope {
  return { ...envelope, kind, flags: 0, count, institution: OPERATOR_INSTITUTION };
}

/** ResultFlags of the RESULT that a frame begins with. */
function readFlags(frame: Uint8Array): number {
  const at = FRAME_HEADER.size + RESULT.at.flags;
  return (frame[at] as number) | ((frame[at + 1] as number) << 8);
}

function idAt(body: Uint8Array, at: number): string {
  return body.subarray(at, at + 16).join();
}
