/**
 * What orders and counters need of several commands, in front of the router. An order is paid in three steps, each with an id of its own:
 *
 *   payOrder ─▶ claim ─▶ sale ─▶ settle (captured) or fail (declined);  what the payer has to confirm first leaves it `paying`
 *
 * Whoever finds an order `paying` looks what became of that payment, and settles or fails it. A payment that was never seen is cancelled after a
 * while, so that it cannot come any more, and the order is free again: no step depends on who began.
 */
import { COMMANDS } from '../../protocol/commands.ts';
import type { RichReply } from '../../protocol/bodies.ts';
import { PAYMENT_CANCELLATION } from '../../protocol/cancellation.ts';
import { writeRiskContext } from '../../protocol/codecs/risk-codec.ts';
import { deriveId, formatId, parseId, partyAccountId } from '../../protocol/ids.ts';
import { decodeRecord, encodeRecord, readU128, writeU128 } from '../../protocol/layout.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { ORDER_LIMITS, tipOf } from '../../protocol/order-bodies.ts';
import {
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_STATE,
  PaymentFlags,
  PaymentStates,
  RESULT,
} from '../../protocol/records.ts';
import {
  parseRegistryBody,
  type PayCounterBody,
  type PayOrderBody,
  type RefundOrderBody,
  type RegistryReply,
  type StoredOrder,
} from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { type CommandEnvelope, type Gateway, OPERATOR_INSTITUTION, type ReplySink } from '../gateway.ts';
import { askRecords, askRich, type RichAnswer, recordBytes, richFrame } from '../gateway-calls.ts';
import { kilometresBetween } from '../risk/great-circle.ts';
import { deliverOne, refusalFrame } from '../router/gather.ts';

const { payOrder, refundOrder, payCounter, readOrder, confirm, void: voidPayment } = COMMANDS;
/** `PAYMENT.code` of payments by QR code. */
const QR_PAYMENT_CODE = 1;
/** PBoC: a static code, however the payer was verified. */
const STATIC_TIER = 4;
/** How far from where it hangs the code of a person is paid. */
const PERSONAL_KM_MAX = 1;
/** Orders of which a payment is known to wait for its payer: the others are found out when somebody asks. */
const WAITING_MAX = 10_000;

type Risk = NonNullable<PayOrderBody['risk']>;

/** A payment by QR code. */
interface Sale {
  readonly institution: number;
  readonly id: string;
  readonly payerAccountId: string;
  readonly payeeAccountId: string;
  readonly amount: number;
  readonly ledger: number;
  readonly reference: string;
  readonly mcc: number;
  readonly codeTier: number | undefined;
  readonly risk: Risk;
}

/** What became of it; no state: there is no payment. */
interface Paid {
  readonly code: number;
  readonly state: number;
}

export class OrderGate implements Gateway {
  readonly #next: Gateway;
  /** µs. */
  readonly #clock: () => number;
  /** By payment: its order. */
  readonly #waiting = new Map<string, string>();

  constructor(next: Gateway, clock: () => number) {
    this.#next = next;
    this.#clock = clock;
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    switch (envelope.kind) {
      case payOrder.kind:
        return this.#answer(envelope, body, sink, (kept, value) => this.#payOrder(kept, value));
      case refundOrder.kind:
        return this.#answer(envelope, body, sink, (kept, value) => this.#refundOrder(kept, value));
      case payCounter.kind:
        return this.#answer(envelope, body, sink, (kept, value) => this.#payCounter(kept, value));
      case readOrder.kind:
        return this.#answer(envelope, body, sink, (kept, value) => this.#readOrder(kept, value));
      case confirm.kind:
      case voidPayment.kind:
        return this.#next.submit(envelope, body, this.#settling(body, sink));
      default:
        return this.#next.submit(envelope, body, sink);
    }
  }

  #answer(
    envelope: CommandEnvelope,
    body: Uint8Array,
    sink: ReplySink,
    decide: (institution: number, value: unknown) => Promise<RichAnswer>,
  ): number {
    // Both are used again when this has returned.
    const kept = { ...envelope };
    const value: unknown = decodeMessagePack(body.slice());
    void decide(kept.institution, value).then((reply) =>
      deliverOne(sink, typeof reply === 'number' ? refusalFrame(kept, reply) : richFrame(kept, reply)),
    );
    return Code.ok;
  }

  /** A payment that goes on may be that of an order: then the order goes on as well. */
  #settling(body: Uint8Array, sink: ReplySink): ReplySink {
    const paymentId = readU128(new DataView(body.buffer, body.byteOffset), PAYMENT_OPERATION.at.paymentId);
    const order = this.#waiting.get(formatId(paymentId));
    if (order === undefined) return sink;
    return {
      deliver: (replies) => {
        const frame = replies.take()?.slice();
        if (frame === undefined) return;
        void this.#look(order).then(() => deliverOne(sink, frame));
      },
    };
  }

  async #payOrder(institution: number, value: unknown): Promise<RichAnswer> {
    const parsed = parseRegistryBody('payOrder', value);
    if (!parsed.ok) return { code: Code.malformedBody };
    const { id, paymentId, payerAccountId, tip, risk = {} } = parsed.value;
    const claim = { id, action: 'claim', paymentId, payerAccountId, tip };
    let claimed = await this.#change(claim);
    if (typeof claimed !== 'number' && claimed.code === Code.orderBeingPaid) {
      const looked = await this.#look(id);
      if (typeof looked === 'number') return looked;
      claimed = await this.#change(claim);
    }
    if (typeof claimed === 'number' || claimed.order === undefined) return claimed;
    if (claimed.code !== Code.ok) return { code: claimed.code };
    const { order } = claimed;
    const mcc = await this.#categoryOf(order.institution, order.handle);
    if (typeof mcc !== 'number') {
      await this.#end(order, { ...mcc, state: 0 });
      return mcc;
    }
    const paid = await this.#pay({
      ...{ institution, id: paymentId, payerAccountId, payeeAccountId: order.accountId, ledger: order.ledger },
      ...{ amount: order.amount + tip, reference: order.number, mcc, codeTier: risk.codeTier, risk },
    });
    const settled = await this.#end(order, paid);
    if (typeof settled === 'number') return settled;
    return { code: paid.code, ...settled, ...shownPayment(paymentId, paid.state) };
  }

  /** Settles or fails the order by what became of the payment that has claimed it. */
  async #end(order: StoredOrder, { code, state }: Paid): Promise<Pick<RegistryReply, 'order'> | number> {
    const { id, paymentId } = order;
    if (state === PaymentStates.challenged || state === PaymentStates.held) {
      if (paymentId !== undefined && this.#waiting.size < WAITING_MAX) this.#waiting.set(paymentId, id);
      return { order };
    }
    const action = state === PaymentStates.captured && code === Code.ok ? 'settle' : 'fail';
    if (paymentId !== undefined) this.#waiting.delete(paymentId);
    const ended = await this.#change({ id, action, paymentId });
    if (typeof ended === 'number') return ended;
    return ended.order === undefined ? {} : { order: ended.order };
  }

  /** The order as it stands, after what became of a payment that has claimed it. */
  async #look(id: string): Promise<RichAnswer> {
    const found = await askRich(this.#next, 'readOrder', OPERATOR_INSTITUTION, encodeMessagePack({ id }));
    if (typeof found === 'number' || found.order?.state !== 'paying') return found;
    const { order } = found;
    const paid = await this.#paymentOf(order);
    if (typeof paid === 'number') return paid;
    const ended = await this.#end(order, paid);
    return typeof ended === 'number' ? ended : { code: Code.ok, ...ended };
  }

  /** What became of the payment that has claimed an order. One that was never seen will not come any more. */
  async #paymentOf(order: StoredOrder): Promise<Paid | number> {
    const paymentId = parseId(order.paymentId ?? '') ?? 0n;
    const found = await this.#lookUp(paymentId);
    if (typeof found === 'number' || found.state !== 0) return found;
    if (this.#clock() < order.updatedAt + ORDER_LIMITS.claimMicros) return { code: Code.ok, state: PaymentStates.held };
    const cancellation = recordBytes(PAYMENT_CANCELLATION, {
      id: deriveId('order-cancellation', order.id, formatId(paymentId)),
      paymentId,
      payerAccountId: parseId(order.payerAccountId ?? '') ?? 0n,
    });
    const cancelled = await askRecords(this.#next, 'cancelPayment', OPERATOR_INSTITUTION, cancellation);
    // It may have come in between: then it was undone, or stands.
    return typeof cancelled === 'number' ? cancelled : this.#lookUp(paymentId);
  }

  /** State 0: nobody knows it. */
  async #lookUp(paymentId: bigint): Promise<Paid | number> {
    const key = new Uint8Array(16);
    writeU128(new DataView(key.buffer), 0, paymentId);
    const view = await askRecords(this.#next, 'lookupPayments', OPERATOR_INSTITUTION, key);
    if (typeof view === 'number') return view;
    if (view.getUint16(RESULT.at.code, true) !== Code.ok) return { code: Code.paymentNotFound, state: 0 };
    const { state, captured, refunded } = decodeRecord(PAYMENT_STATE, view, RESULT.size + PAYMENT.size);
    const isGivenBack = state === PaymentStates.captured && captured === refunded;
    return { code: Code.ok, state: isGivenBack ? PaymentStates.voided : state };
  }

  async #readOrder(institution: number, value: unknown): Promise<RichAnswer> {
    const parsed = parseRegistryBody('readOrder', value);
    if (!parsed.ok) return { code: Code.malformedBody };
    const found = await this.#look(parsed.value.id);
    if (typeof found === 'number' || found.order === undefined) return found;
    const { paymentId, payerAccountId: _payer, ...order } = found.order;
    const isOwn = institution === OPERATOR_INSTITUTION || institution === order.institution;
    // Who pays it is told to nobody else.
    return isOwn && paymentId !== undefined ? found : { code: found.code, order: isOwn ? found.order : order };
  }

  async #refundOrder(institution: number, value: unknown): Promise<RichAnswer> {
    const parsed = parseRegistryBody('refundOrder', value);
    if (!parsed.ok) return { code: Code.malformedBody };
    const { id, refundId, amount }: RefundOrderBody = parsed.value;
    const found = await this.#look(id);
    if (typeof found === 'number' || found.order === undefined) return found;
    const { order } = found;
    if (institution !== order.institution && institution !== OPERATOR_INSTITUTION) return { code: Code.orderNotFound };
    if (order.state !== 'paid' || order.paymentId === undefined) return { code: Code.orderNotPaid, order };
    const operation = {
      id: parseId(refundId) ?? 0n,
      paymentId: parseId(order.paymentId) ?? 0n,
      amount: BigInt(amount),
    };
    // The payer's institution has made the payment; that it is given back is the payee's to say.
    const view = await askRecords(
      this.#next,
      'refund',
      OPERATOR_INSTITUTION,
      recordBytes(PAYMENT_OPERATION, operation),
    );
    if (typeof view === 'number') return view;
    const { code, state } = outcomeAt(view);
    return { code, order, ...shownPayment(order.paymentId, state) };
  }

  async #payCounter(institution: number, value: unknown): Promise<RichAnswer> {
    const parsed = parseRegistryBody('payCounter', value);
    if (!parsed.ok) return { code: Code.malformedBody };
    const body: PayCounterBody = parsed.value;
    const { handle, ledger, amount, tip, paymentId, payerAccountId, risk = {}, reference = '' } = body;
    const named = encodeMessagePack({ handle });
    const found = await askRich(this.#next, 'getCounters', institution, named);
    if (typeof found === 'number' || found.counters === undefined) return found;
    const party = await askRich<RichReply>(this.#next, 'getParty', institution, named);
    if (typeof party === 'number') return party;
    const counter = found.counters.counters.find(({ counter: name }) => name === body.counter);
    if (counter === undefined) return { code: Code.counterNotFound };
    if (counter.state === 'closed') return { code: Code.counterClosed };
    if (party.party?.kind === 'customer') {
      if (body.isRemote) return { code: Code.personalCodeNotRemote };
      if (isFarAway(counter.place, risk.place)) return { code: Code.counterTooFarAway };
    }
    if (tip !== (tipOf(counter.tip, amount) ?? tip)) return { code: Code.tipDiffers };
    if (amount + tip > LIMITS.amountMax) return { code: Code.amountOutOfRange };
    const paid = await this.#pay({
      ...{ institution, id: paymentId, payerAccountId, ledger, amount: amount + tip, reference, risk },
      payeeAccountId: formatId(partyAccountId(institution, handle, ledger)),
      mcc: party.party?.mcc ?? 0,
      codeTier: STATIC_TIER,
    });
    return { code: paid.code, ...shownPayment(paymentId, paid.state) };
  }

  /** ISO 18245; or why it cannot be told. */
  async #categoryOf(institution: number, handle: string): Promise<number | { readonly code: number }> {
    const party = await askRich<RichReply>(this.#next, 'getParty', institution, encodeMessagePack({ handle }));
    if (typeof party === 'number') return { code: party };
    return party.party?.mcc ?? 0;
  }

  async #pay(sale: Sale): Promise<Paid> {
    const view = await askRecords(this.#next, 'sale', sale.institution, saleBytes(sale));
    return typeof view === 'number' ? { code: view, state: 0 } : outcomeAt(view);
  }

  #change(body: object): Promise<RichAnswer> {
    return askRich(this.#next, 'changeOrder', OPERATOR_INSTITUTION, encodeMessagePack(body));
  }
}

function outcomeAt(view: DataView): Paid {
  return { code: view.getUint16(RESULT.at.code, true), state: view.getUint8(RESULT.size + PAYMENT_STATE.at.state) };
}

function shownPayment(id: string, state: number): Pick<RegistryReply, 'payment'> {
  const name = Object.entries(PaymentStates).find(([, value]) => value === state)?.[0];
  return name === undefined ? {} : { payment: { id, state: name } };
}

/** PAYMENT, RISK_CONTEXT, reference. */
function saleBytes(sale: Sale): Uint8Array {
  const { risk, mcc, codeTier } = sale;
  const tail = Buffer.from(sale.reference);
  const textAt = PAYMENT.size + RISK_CONTEXT.size;
  const bytes = new Uint8Array(textAt + tail.length);
  const view = new DataView(bytes.buffer);
  encodeRecord(PAYMENT, view, 0, {
    id: parseId(sale.id) ?? 0n,
    payerAccountId: parseId(sale.payerAccountId) ?? 0n,
    payeeAccountId: parseId(sale.payeeAccountId) ?? 0n,
    amount: BigInt(sale.amount),
    ledger: sale.ledger,
    code: QR_PAYMENT_CODE,
    flags: PaymentFlags.riskContext,
    referenceLength: tail.length,
  });
  const { device, ip, country, place } = risk;
  const context = {
    channel: 'qr' as const,
    mcc,
    ...(codeTier === undefined ? {} : { codeTier }),
    ...(device === undefined ? {} : { device: parseId(device) ?? 0n }),
    ...(ip === undefined ? {} : { ip: parseId(ip) ?? 0n }),
    ...(country === undefined ? {} : { country }),
    ...(place === undefined ? {} : { location: { latitude: place.latitude / 1e6, longitude: place.longitude / 1e6 } }),
  };
  writeRiskContext(view, PAYMENT.size, context, 'risk');
  bytes.set(tail, textAt);
  return bytes;
}

/** Only when both places are known. */
function isFarAway(a: Risk['place'], b: Risk['place']): boolean {
  if (a === undefined || b === undefined) return false;
  return kilometresBetween(a.latitude, a.longitude, b.latitude, b.longitude) > PERSONAL_KM_MAX;
}
