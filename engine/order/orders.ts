/**
 * Orders and counters of a partition. An order lives with the account that it pays into, and is nothing but its newest version:
 *
 *   open ── claim ──▶ paying ── settle ──▶ paid       open: close ──▶ closed, its time ──▶ expired (not written: told)
 *     ▲─────── fail ────┘
 *
 * Who claims an order may pay it, and nobody else until that payment has failed: so it is paid once, wherever its payers live. The steps are
 * taken by order-gate.ts around the payment.
 */
import { ORDER_LIMITS, orderId, tipOf } from '../../protocol/order-bodies.ts';
import { deriveId, formatId, parseId, partyAccountId } from '../../protocol/ids.ts';
import type {
  ChangeOrderBody,
  PutCountersBody,
  PutOrderBody,
  RegistryReply,
  StoredCounters,
  StoredOrder,
} from '../../protocol/registry-bodies.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity, type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables } from '../entity/event.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** Why an order in this state is not paid. `expired` is `open` after its time. */
const REFUSALS = { paid: Code.orderPaid, closed: Code.orderClosed, expired: Code.orderExpired } as const;

export class Orders {
  readonly #ledger: Ledger;
  readonly #entities: Entities;

  constructor(ledger: Ledger, entities: Entities) {
    this.#ledger = ledger;
    this.#entities = entities;
  }

  /** The same order again is answered as it stands. */
  put(institution: number, body: PutOrderBody): RegistryReply {
    const id = orderId(institution, body.handle, body.number);
    const known = this.#find(id);
    if (known !== undefined) {
      return isSame(known, body) ? { code: Code.ok, order: this.#told(known) } : { code: Code.orderExistsDifferently };
    }
    const { now } = this.#ledger;
    if (body.expiresAt <= now || body.expiresAt > now + ORDER_LIMITS.lifetimeMicrosMax) {
      return { code: Code.orderTimeInvalid };
    }
    const accountId = formatId(partyAccountId(institution, body.handle, body.ledger));
    if (this.#entities.accountOf(accountId) === NO_ACCOUNT) return { code: Code.payeeAccountNotFound };
    return this.#write({
      ...body,
      ...{ id: formatId(id), institution, accountId, state: 'open', createdAt: now, updatedAt: now },
    });
  }

  read(id: string): RegistryReply {
    const known = this.#find(parseId(id) ?? 0n);
    return known === undefined ? { code: Code.orderNotFound } : { code: Code.ok, order: this.#told(known) };
  }

  change(institution: number, body: ChangeOrderBody): RegistryReply {
    const known = this.#find(parseId(body.id) ?? 0n);
    if (known === undefined) return { code: Code.orderNotFound };
    if (body.action === 'close') return this.#close(institution, this.#told(known));
    if (institution !== OPERATOR_INSTITUTION) return { code: Code.forbidden };
    return body.action === 'claim' ? this.#claim(this.#told(known), body) : this.#end(this.#told(known), body);
  }

  putCounters(institution: number, body: PutCountersBody): RegistryReply {
    const names = new Set(body.counters.map(({ counter }) => counter));
    if (names.size !== body.counters.length) return { code: Code.malformedBody };
    const party = this.#entities.getParty(institution, body.handle);
    if (party.code !== Code.ok) return { code: party.code };
    const stored: StoredCounters = { ...body, institution, updatedAt: this.#ledger.now };
    const known = this.getCounters(institution, body.handle).counters;
    if (known !== undefined && isSame({ ...known, updatedAt: stored.updatedAt }, stored)) {
      return { code: Code.ok, counters: known };
    }
    this.#entities.write(EntityTables.counters, countersKey(institution, body.handle), institution, stored);
    return { code: Code.ok, counters: stored };
  }

  getCounters(institution: number, handle: string): RegistryReply {
    const lsn = this.#entities.find(countersKey(institution, handle));
    if (lsn === 0) return { code: Code.countersNotFound };
    return { code: Code.ok, counters: decodeEntity<StoredCounters>(this.#ledger.events.read(lsn)) };
  }

  #close(institution: number, order: StoredOrder): RegistryReply {
    if (institution !== order.institution && institution !== OPERATOR_INSTITUTION) return { code: Code.orderNotFound };
    if (order.state === 'closed') return { code: Code.ok, order };
    if (order.state === 'paying') return { code: Code.orderBeingPaid, order };
    if (order.state === 'paid') return { code: Code.orderPaid, order };
    return this.#write({ ...order, state: 'closed' });
  }

  #claim(order: StoredOrder, { paymentId, payerAccountId, tip = 0 }: ChangeOrderBody): RegistryReply {
    if (paymentId === undefined || payerAccountId === undefined) return { code: Code.malformedBody };
    if (order.paymentId === paymentId && (order.state === 'paying' || order.state === 'paid')) {
      const isSameClaim = order.payerAccountId === payerAccountId && order.tipped === tip;
      return { code: isSameClaim ? Code.ok : Code.existsWithDifferentPayment, order };
    }
    if (order.state === 'paying') return { code: Code.orderBeingPaid, order };
    if (order.state !== 'open') return { code: REFUSALS[order.state], order };
    if (tip !== (tipOf(order.tip, order.amount) ?? tip)) return { code: Code.tipDiffers, order };
    if (order.amount + tip > LIMITS.amountMax) return { code: Code.amountOutOfRange, order };
    return this.#write({ ...order, state: 'paying', paymentId, payerAccountId, tipped: tip });
  }

  /** The payment that claimed it was made, or never will be. One of somebody else's changes nothing. */
  #end(order: StoredOrder, { paymentId, action }: ChangeOrderBody): RegistryReply {
    if (order.state !== 'paying' || order.paymentId !== paymentId) return { code: Code.ok, order };
    if (action === 'settle') return this.#write({ ...order, state: 'paid' });
    const { paymentId: _paymentId, payerAccountId: _payer, tipped: _tipped, ...open } = order;
    return this.#write({ ...open, state: 'open' });
  }

  #find(id: bigint): StoredOrder | undefined {
    const lsn = this.#entities.find(orderKey(id));
    return lsn === 0 ? undefined : decodeEntity<StoredOrder>(this.#ledger.events.read(lsn));
  }

  /** As it stands now. */
  #told(order: StoredOrder): StoredOrder {
    return order.state === 'open' && this.#ledger.now >= order.expiresAt ? { ...order, state: 'expired' } : order;
  }

  #write(order: StoredOrder): RegistryReply {
    const kept = { ...order, updatedAt: this.#ledger.now };
    this.#entities.write(EntityTables.order, orderKey(parseId(order.id) ?? 0n), order.institution, kept);
    return { code: Code.ok, order: this.#told(kept) };
  }
}

/** Orders have ids of their own, which are theirs among entities. */
function orderKey(id: bigint): Uint32Array {
  return wordsOf(id);
}

function countersKey(institution: number, handle: string): Uint32Array {
  return wordsOf(deriveId('counters', String(institution), handle));
}

/** Whether what was stored says all that `body` says, and nothing else where it could. */
function isSame(stored: object, body: object): boolean {
  const kept = stored as Readonly<Record<string, unknown>>;
  const said = body as Readonly<Record<string, unknown>>;
  return [...Object.keys(said), 'tip'].every((key) => JSON.stringify(kept[key]) === JSON.stringify(said[key]));
}
