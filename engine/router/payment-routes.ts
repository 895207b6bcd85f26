/**
 * Where payments and their operations go when there are several partitions: a payment lives with its payer; an operation names its
 * payment and not where that lives.
 */
import { PAYMENT_CANCELLATION } from '../../protocol/cancellation.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { PAYER_CODE } from '../../protocol/payer-codes.ts';
import { ACCOUNT, PAYMENT, PAYMENT_OPERATION, RESULT, ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { type CommandEnvelope, OPERATOR_INSTITUTION, type ReplySink, RouterFlags } from '../gateway.ts';
import { joinReadings, READINGS_HEAD } from '../risk/readings.ts';
import { ClearingKinds } from '../worker/clearing-commands.ts';
import { featureQuestions, hasContext } from './feature-questions.ts';
import { deliverOne, Gather, refusalFrame } from './gather.ts';
import type { Lane } from './lane.ts';
import { readCode } from './merge.ts';
import { partitionAt } from './split.ts';

/** In a payment that has a context. */
const DEVICE_AT = PAYMENT.size + RISK_CONTEXT.at.device;

export class PaymentRoutes {
  readonly #lanes: readonly Lane[];
  /** Payments whose payee is being asked for, by id: what is to be done when they have gone on to their partition. */
  readonly #asking = new Map<string, (() => void)[]>();

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
  }

  /**
   * Sale and authorise. Other partitions are asked before, all at once: what has to be known of a payee, which never changes, and what
   * the risk features say whose keys they keep.
   */
  create(request: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const envelope = crossing(request);
    const partitions = this.#lanes.length;
    const isByCode = !isZeroAt(body, PAYMENT.at.payerCode);
    const home = partitionAt(body, isByCode ? PAYMENT.at.payerCode : PAYMENT.at.payerAccountId, partitions);
    const payeeHome = partitionAt(body, PAYMENT.at.payeeAccountId, partitions);
    const sharedBy = this.#lanes[home]?.sharedBy ?? 0;
    // One without a context is refused where it goes.
    if (isByCode && sharedBy !== 0 && hasContext(body) && isZeroAt(body, DEVICE_AT))
      return this.#learnDevice(home, envelope, body.slice(), sink);
    const features = sharedBy === 0 ? [] : featureQuestions(body, home, sharedBy, partitions);
    if (payeeHome === home && features.length === 0) return this.#submit(home, envelope, body, sink);
    const payment = body.slice();
    const payee = payeeHome === home ? [] : [payeeQuestion(payment, payeeHome)];
    const answered = new Gather(sink, (answers) => {
      const failed = answers.slice(payee.length).find((answer) => answerCode(answer) !== Code.ok);
      const code =
        failed === undefined
          ? this.#submit(home, ...told(envelope, payment, answers, payee.length), sink)
          : answerCode(failed);
      this.#asked(payment);
      return code === Code.ok ? undefined : refusalFrame(envelope, code);
    });
    const questions = [...payee, ...features.map((question) => ({ ...question, kind: ClearingKinds.readFeatures }))];
    const asking = questions.map((question) => ({ ...question, part: answered.part() }));
    for (const { partition, kind, body: question, part } of asking) {
      const code = this.#submit(partition, asked(envelope, kind, 1), question, part);
      if (code === Code.ok) continue;
      answered.abandon();
      return code;
    }
    const key = idAt(payment, PAYMENT.at.id);
    if (!this.#asking.has(key)) this.#asking.set(key, []);
    return Code.ok;
  }

  /** Asks for the device that the payer's code belongs to, since another partition may keep what is counted by it. */
  #learnDevice(home: number, envelope: CommandEnvelope, payment: Uint8Array, sink: ReplySink): number {
    const token = payment.slice(PAYMENT.at.payerCode, PAYMENT.at.payerCode + 16);
    const key = idAt(payment, PAYMENT.at.id);
    const questions = [COMMANDS.lookupCodes, COMMANDS.lookupCodeDevices];
    const answered = new Gather(sink, (answers) => {
      const at = FRAME_HEADER.size + RESULT.size + PAYER_CODE.at.device;
      const device = answers.map((answer) => answer.subarray(at, at + 16)).find((id) => !isZeroAt(id, 0));
      if (device !== undefined) payment.set(device, DEVICE_AT);
      const waiting = this.#asking.get(key) ?? [];
      this.#asking.delete(key);
      // A code that nobody knows is declined where it would live.
      const code =
        device === undefined ? this.#submit(home, envelope, payment, sink) : this.create(envelope, payment, sink);
      // Others may have to be asked as well: then what waits for the payment goes on waiting.
      const asking = this.#asking.get(key);
      if (asking !== undefined) asking.push(...waiting);
      else for (const goOn of waiting) goOn();
      return code === Code.ok ? undefined : refusalFrame(envelope, code);
    });
    const parts = questions.map(({ kind }) => ({ kind, part: answered.part() }));
    for (const { kind, part } of parts) {
      const code = this.#submit(home, asked(envelope, kind, 1), token, part);
      if (code === Code.ok) continue;
      answered.abandon();
      return code;
    }
    if (!this.#asking.has(key)) this.#asking.set(key, []);
    return Code.ok;
  }

  /**
   * Capture, void, refund, revert and cancel. All partitions are asked: the one that has decided the operation before answers again, else
   * the one that knows the payment decides. One that nobody knows is refused, and the refusal remembered, where its id hashes to; a
   * cancellation goes to its payer's partition, where the payment will come.
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
      const unknownAt = this.#homeOf(envelope, body);
      const isAtHome = readCode(parts[unknownAt] ?? body, FRAME_HEADER.size) === Code.ok;
      const found = decided >= 0 ? decided : isAtHome ? unknownAt : known;
      const home = found >= 0 ? found : unknownAt;
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

  /** Where an operation goes whose payment nobody knows. */
  #homeOf({ kind }: CommandEnvelope, body: Uint8Array): number {
    const isCancellation = kind === COMMANDS.cancelPayment.kind;
    const at = isCancellation ? PAYMENT_CANCELLATION.at.payerAccountId : PAYMENT_OPERATION.at.paymentId;
    return partitionAt(body, at, this.#lanes.length);
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

/** Whether the id at byte `at` is zero. */
function isZeroAt(bytes: Uint8Array, at: number): boolean {
  return bytes.subarray(at, at + 16).every((byte) => byte === 0);
}

/** What a partition is asked of the payee who lives there. */
function payeeQuestion(payment: Uint8Array, partition: number) {
  const at = PAYMENT.at.payeeAccountId;
  return { partition, kind: COMMANDS.lookupAccounts.kind, body: payment.slice(at, at + 16) };
}

/** The payment behind what was answered: readings of features, then the payee's record. */
function told(
  envelope: CommandEnvelope,
  payment: Uint8Array,
  answers: readonly Uint8Array[],
  payees: number,
): [CommandEnvelope, Uint8Array] {
  const bodies = answers.map((answer) => answer.subarray(FRAME_HEADER.size));
  const readings = bodies.slice(payees);
  const parts = [
    ...(readings.length === 0 ? [] : [joinReadings(readings)]),
    ...bodies.slice(0, payees).map((body) => body.slice(RESULT.size, RESULT.size + ACCOUNT.size)),
    payment,
  ];
  const flags =
    envelope.flags |
    (readings.length === 0 ? 0 : RouterFlags.withReadings) |
    (payees === 0 ? 0 : RouterFlags.withPayee);
  return [{ ...envelope, flags }, Buffer.concat(parts)];
}

/** A result code, of readings. */
function answerCode(answer: Uint8Array): number {
  const at = FRAME_HEADER.size + READINGS_HEAD.at.code;
  return new DataView(answer.buffer, answer.byteOffset).getUint32(at, true);
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
