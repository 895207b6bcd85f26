/** Random cancellations: of payments that are there, of some that come later, of some that never do; again, and with other content. */
import type { Command } from './command.ts';
import type { ModelCancellation, ModelPayment } from './reference-payment-records.ts';

interface Source {
  readonly below: (limit: number) => number;
  /** A new one. */
  readonly id: () => bigint;
  readonly account: () => bigint;
  readonly institution: () => number;
  /** What was asked for, by whom; newest last. */
  readonly payments: readonly (readonly [number, string, ModelPayment])[];
}

export class HostileCancellations {
  readonly #source: Source;
  readonly #sent: [number, ModelCancellation][] = [];
  /** Ids of payments that were cancelled and have not come, and whose they are to be. */
  readonly #awaited: [number, bigint][] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** Institution and id of a payment that was cancelled before it comes: now is its time. */
  late(): readonly [number, bigint] | undefined {
    const at = this.#below(this.#awaited.length || 1);
    // It may come more than once.
    return this.#below(3) > 0 ? this.#awaited[at] : this.#awaited.splice(at, 1)[0];
  }

  next(): Command {
    const { payments, id } = this.#source;
    if (this.#sent.length > 0 && this.#below(10) === 0) return this.#again();
    const target = payments.length > 0 && this.#below(100) < 75 ? payments[this.#recent(payments.length)] : undefined;
    if (target === undefined) return this.#before();
    const [institution, , payment] = target;
    const { amount: whole, payerAccountId } = payment;
    const part = whole <= 1n ? 1n : 1n + (BigInt(this.#below(0x7fff_ffff)) % whole);
    const amounts = [0n, 0n, 1n, part, part / 2n, whole, whole + 1n];
    const amount = amounts[this.#below(amounts.length)] ?? 0n;
    return this.#send(this.#below(10) > 0 ? institution : this.#source.institution(), {
      id: id(),
      paymentId: payment.id,
      payerAccountId: this.#below(20) > 0 ? payerAccountId : this.#source.account(),
      amount,
      flags: 0,
    });
  }

  /** Of a payment that has not come. */
  #before(): Command {
    const { id, account, institution } = this.#source;
    const paymentId = id();
    const by = institution();
    this.#awaited.push([by, paymentId]);
    const amount = this.#below(4) > 0 ? 0n : BigInt(this.#below(100));
    return this.#send(by, { id: id(), paymentId, payerAccountId: account(), amount, flags: 0 });
  }

  #again(): Command {
    const [by, first] = this.#sent[this.#recent(this.#sent.length)] as [number, ModelCancellation];
    const cancellation = { ...first };
    const kind = this.#below(6);
    if (kind === 0) cancellation.amount += 1n;
    if (kind === 1) cancellation.paymentId += 1n;
    if (kind === 2) cancellation.payerAccountId = this.#source.account();
    const institution = this.#below(10) > 0 ? by : this.#source.institution();
    return { type: 'cancelPayment', institution, cancellation };
  }

  #send(institution: number, cancellation: ModelCancellation): Command {
    this.#sent.push([institution, cancellation]);
    return { type: 'cancelPayment', institution, cancellation };
  }

  /** Mostly one of the last. */
  #recent(length: number): number {
    return length - 1 - this.#below(this.#below(5) > 0 ? Math.min(length, 12) : length);
  }

  #below(limit: number): number {
    return this.#source.below(limit);
  }
}
