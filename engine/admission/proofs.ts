/**
 * Checks that a confirmation comes from the payer's device, before it reaches a partition:
 *
 *   confirm ─▶ look the payment up ─▶ make its challenge ─▶ verifier ─▶ confirm, marked as proven, without the proof
 *
 * How a device proves itself is the bank's choice: a `ProofVerifier`. What a partition keeps is only that it was proven.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { challengeText } from '../../protocol/challenge.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { decodeRecord } from '../../protocol/layout.ts';
import { PAYMENT, PAYMENT_OPERATION, PAYMENT_STATE, PaymentStates, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { type CommandEnvelope, call, type Gateway, type ReplySink, RouterFlags } from '../gateway.ts';
import { deliverOne, refusalFrame } from '../router/gather.ts';

/** Decides whether `proof` was made of the text of a challenge by the payer's device. Rejections count as no. */
export interface ProofVerifier {
  verify(challenge: string, proof: Uint8Array): boolean | Promise<boolean>;
}

/** Proofs are HMAC-SHA-256 of the challenge under one key: for trying and testing, where devices have no keys of their own. */
export class SharedKeyProofs implements ProofVerifier {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  verify(challenge: string, proof: Uint8Array): boolean {
    const expected = this.prove(challenge);
    return proof.length === expected.length && timingSafeEqual(proof, expected);
  }

  prove(challenge: string): Uint8Array {
    return createHmac('sha256', this.#key).update(challenge, 'utf8').digest();
  }
}

/** The switch knows no way to check a proof. */
export const NO_PROOFS: ProofVerifier = { verify: () => false };

export class ProofGate implements Gateway {
  readonly #next: Gateway;
  readonly #verifier: ProofVerifier;

  constructor(next: Gateway, verifier: ProofVerifier) {
    this.#next = next;
    this.#verifier = verifier;
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (envelope.kind !== COMMANDS.confirm.kind) return this.#next.submit(envelope, body, sink);
    // Both are used again when this has returned.
    void this.#confirm({ ...envelope }, body.slice(), sink);
    return Code.ok;
  }

  async #confirm(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): Promise<void> {
    const operation = body.slice(0, PAYMENT_OPERATION.size);
    new DataView(operation.buffer).setUint16(PAYMENT_OPERATION.at.proofLength, 0, true);
    const answer = await this.#isProven(envelope, operation, body.subarray(PAYMENT_OPERATION.size));
    const flags = envelope.flags | (answer === true ? RouterFlags.proven : 0);
    // The partition says why an operation on a payment like this one is refused, or answers it again.
    const code = typeof answer === 'number' ? answer : this.#next.submit({ ...envelope, flags }, operation, sink);
    if (code !== Code.ok) deliverOne(sink, refusalFrame(envelope, code));
  }

  /** Or the code with which the look-up was not taken. */
  async #isProven(envelope: CommandEnvelope, operation: Uint8Array, proof: Uint8Array): Promise<boolean | number> {
    const { paymentId } = PAYMENT_OPERATION.at;
    const { institution } = envelope;
    const question = { kind: COMMANDS.lookupPayments.kind, flags: 0, count: 1, institution };
    const frame = await call(this.#next, question, operation.slice(paymentId, paymentId + 16));
    if (typeof frame === 'number') return frame;
    const view = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, frame.length - FRAME_HEADER.size);
    if (view.getUint16(RESULT.at.code, true) !== Code.ok) return false;
    const payment = decodeRecord(PAYMENT, view, RESULT.size);
    const { state, createdAt, expiresAt } = decodeRecord(PAYMENT_STATE, view, RESULT.size + PAYMENT.size);
    if (state !== PaymentStates.challenged) return false;
    try {
      return await this.#verifier.verify(challengeText({ ...payment, createdAt, expiresAt }), proof);
    } catch {
      return false;
    }
  }
}
