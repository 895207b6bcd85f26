/** A Gateway in memory that answers with real reply frames: just enough of a ledger to see every way of the transport. */
import { Packr, Unpackr } from 'msgpackr';
import type { CommandEnvelope, Gateway, ReplySink } from '../../../../engine/gateway.ts';
import type { RichReply, StoredParty } from '../../../../protocol/bodies.ts';
import { type CommandName, commandOfKind } from '../../../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags, REFUSAL, REFUSED_KIND, REPLY_BIT } from '../../../../protocol/frame.ts';
import { decodeRecord, encodeRecord, type RecordOf, readU128 } from '../../../../protocol/layout.ts';
import { BALANCE_AT, BALANCE_QUERY, HISTORY_FILTER } from '../../../../protocol/reading-records.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  AccountChangeFields,
  BALANCES,
  CHAIN_ENDED,
  END_CHAIN,
  HISTORY_QUERY,
  PAGE,
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_QUERY,
  PAYMENT_STATE,
  PaymentFlags,
  PaymentOperations,
  PaymentStates,
  RESULT,
  ResultFlags,
  TRANSFER,
  TRANSFER_OUTCOME,
  TransferFlags,
} from '../../../../protocol/records.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../../../protocol/payer-codes.ts';
import { Code } from '../../../../protocol/results.ts';
import { RISK_CONTEXT, RISK_SIGNAL } from '../../../../protocol/risk.ts';

const NOW = 1_769_846_400_000_123n;
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

type Account = { -readonly [K in keyof RecordOf<typeof ACCOUNT.fields>]: RecordOf<typeof ACCOUNT.fields>[K] };
type Transfer = RecordOf<typeof TRANSFER.fields>;
type Payment = RecordOf<typeof PAYMENT.fields>;
type State = RecordOf<typeof PAYMENT_STATE.fields>;
interface StoredPayment {
  readonly payment: Payment;
  readonly reference: Uint8Array;
  readonly operation: Uint8Array;
  state: State;
}

/** There are none of these here. */
const NONE: Readonly<Partial<Record<CommandName, number>>> = {
  openCase: Code.caseNotFound,
  changeCase: Code.caseNotFound,
  putFreeze: Code.freezeNotFound,
  endFreeze: Code.freezeNotFound,
  putOrder: Code.payeeAccountNotFound,
  readOrder: Code.orderNotFound,
  changeOrder: Code.orderNotFound,
  payOrder: Code.orderNotFound,
  refundOrder: Code.orderNotFound,
  putCounters: Code.partyNotFound,
  getCounters: Code.countersNotFound,
  payCounter: Code.countersNotFound,
};

const ZERO_STATE = decodeRecord(PAYMENT_STATE, new DataView(new ArrayBuffer(PAYMENT_STATE.size)), 0);

export class FakeGateway implements Gateway {
  readonly accounts = new Map<bigint, Account>();
  readonly transfers = new Map<bigint, Transfer>();
  /** Every endChain that came, newest last. */
  readonly chains: RecordOf<typeof END_CHAIN.fields>[] = [];
  readonly payments = new Map<bigint, StoredPayment>();
  readonly parties = new Map<string, StoredParty>();
  readonly seen: CommandEnvelope[] = [];
  /** What the rich commands were given. */
  readonly rich: unknown[] = [];
  /** Not `ok`: submit answers this. */
  submitCode: number = Code.ok;
  /** Set: every command is refused by a frame. */
  refusal: { code: number; detail: string } | undefined;
  /** Set: replies wait until `release`. */
  held: (() => void)[] | undefined;
  throws: Error | undefined;

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (this.throws !== undefined) throw this.throws;
    this.seen.push(envelope);
    if (this.submitCode !== Code.ok) return this.submitCode;
    const frame = this.#frame(envelope, body.slice());
    const frames = [frame];
    const deliver = () => sink.deliver({ take: () => frames.shift() });
    if (this.held === undefined) queueMicrotask(deliver);
    else this.held.push(deliver);
    return Code.ok;
  }

  release(): void {
    for (const deliver of this.held ?? []) deliver();
    this.held = undefined;
  }

  #frame(envelope: CommandEnvelope, body: Uint8Array): Uint8Array {
    if (this.refusal !== undefined) {
      const detail = Buffer.from(this.refusal.detail);
      const fields = { code: this.refusal.code, detailLength: detail.length };
      return frameOf(REFUSED_KIND, 1, [record(REFUSAL, fields), detail]);
    }
    const name = commandOfKind(envelope.kind);
    if (name === undefined) throw new Error('the transport sent a kind that does not exist');
    const { count, parts } = this.#reply(name, envelope, body);
    return frameOf(envelope.kind | REPLY_BIT, count, parts);
  }

  #reply(name: CommandName, envelope: CommandEnvelope, body: Uint8Array): { count: number; parts: Uint8Array[] } {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const each = (size: number, one: (offset: number) => Uint8Array[]) => ({
      count: envelope.count,
      parts: Array.from({ length: envelope.count }, (_, i) => one(i * size)).flat(),
    });
    switch (name) {
      case 'createAccounts':
        return each(ACCOUNT.size, (at) => this.#createAccount(decodeRecord(ACCOUNT, view, at), envelope.institution));
      case 'changeAccounts':
        return each(ACCOUNT_CHANGE.size, (at) => this.#changeAccount(decodeRecord(ACCOUNT_CHANGE, view, at)));
      case 'createTransfers': {
        const wantsBalances = (envelope.flags & FrameFlags.balances) !== 0;
        return each(TRANSFER.size, (at) => this.#createTransfer(decodeRecord(TRANSFER, view, at), wantsBalances));
      }
      case 'endChain': {
        const request = decodeRecord(END_CHAIN, view, 0);
        this.chains.push(request);
        const { debitAccountId: of, flags } = this.transfers.get(request.pendingId) ?? { debitAccountId: 0n, flags: 0 };
        if (of !== request.debitAccountId) throw new Error('the transport named another debit account');
        const isPending = (flags & TransferFlags.pending) !== 0;
        const code = isPending ? Code.ok : Code.pendingTransferAlreadyPosted;
        const ended = isPending ? { members: 2 } : { refusedById: 0xbadn };
        return { count: 1, parts: [result(code), record(CHAIN_ENDED, ended)] };
      }
      case 'lookupAccounts':
        return each(16, (at) => {
          const account = this.accounts.get(readU128(view, at));
          return [result(account ? Code.ok : Code.accountNotFound), record(ACCOUNT, account ?? {})];
        });
      case 'lookupTransfers':
        return each(16, (at) => {
          const transfer = this.transfers.get(readU128(view, at));
          const code = transfer ? Code.ok : Code.transferNotFound;
          return [result(code), outcome(), record(TRANSFER, transfer ?? {})];
        });
      case 'accountHistory':
        return this.#history(decodeRecord(HISTORY_QUERY, view, 0));
      case 'queryHistory':
        return this.#history(decodeRecord(HISTORY_FILTER, view, 0));
      case 'balancesAt': {
        const { accountId } = decodeRecord(BALANCE_QUERY, view, 0);
        const code = this.accounts.has(accountId) ? Code.ok : Code.accountNotFound;
        return { count: 1, parts: [result(code), record(BALANCE_AT, {}), outcome(), record(TRANSFER, {})] };
      }
      case 'aggregate':
      case 'trialBalance':
        return { count: 0, parts: [result(Code.ok), page(0n, 0)] };
      case 'sale':
      case 'authorise':
        return {
          count: 1,
          parts: this.#pay(name, decodeRecord(PAYMENT, view, 0), body.slice(PAYMENT.size + contextBytes(view))),
        };
      case 'capture':
      case 'void':
      case 'refund':
      case 'revert':
      case 'release':
      case 'confirm':
        return { count: 1, parts: this.#operate(name, decodeRecord(PAYMENT_OPERATION, view, 0), body) };
      case 'cancelPayment':
        return { count: 1, parts: this.#operate('cancel', decodeRecord(PAYMENT_OPERATION, view, 0), body) };
      case 'lookupPayments':
        return each(16, (at) => {
          const payment = this.payments.get(readU128(view, at));
          return payment ? [result(Code.ok), ...viewOf(payment)] : [result(Code.paymentNotFound)];
        });
      case 'reportSignals':
        return each(RISK_SIGNAL.size, (at) => [
          result(this.accounts.has(readU128(view, at + RISK_SIGNAL.at.accountId)) ? Code.ok : Code.accountNotFound),
        ]);
      case 'queryPayments':
        return this.#query(decodeRecord(PAYMENT_QUERY, view, 0), body.slice(PAYMENT_QUERY.size));
      case 'issueCodes':
      case 'lookupCodes':
        return { count: 1, parts: [result(Code.payerCodeNotFound), record(PAYER_CODE, {})] };
      case 'putCodeDevice':
      case 'lookupCodeDevices':
        return { count: 1, parts: [result(Code.codeDeviceNotFound), record(CODE_DEVICE, {})] };
      default: {
        const none = NONE[name];
        const bytes = packr.pack(
          none === undefined ? this.#rich(name, unpackr.unpack(body), envelope.institution) : { code: none },
        );
        return { count: bytes.length, parts: [bytes] };
      }
    }
  }

  #changeAccount(change: RecordOf<(typeof ACCOUNT_CHANGE)['fields']>): Uint8Array[] {
    const account = this.accounts.get(change.accountId);
    if (account === undefined) return [result(Code.accountNotFound)];
    const state = (change.fields & AccountChangeFields.state) === 0 ? account.state : change.state;
    const { creditLimit } = (change.fields & AccountChangeFields.creditLimit) === 0 ? account : change;
    this.accounts.set(change.accountId, { ...account, state, creditLimit });
    return [result(Code.ok)];
  }

  #createAccount(account: Account, owner: number): Uint8Array[] {
    const known = this.accounts.get(account.id);
    if (known !== undefined) {
      const same = known.ledger === account.ledger;
      return [result(same ? Code.ok : Code.existsWithDifferentLedger, same)];
    }
    this.accounts.set(account.id, { ...account, owner, timestamp: NOW });
    return [result(Code.ok)];
  }

  #createTransfer(transfer: Transfer, wantsBalances: boolean): Uint8Array[] {
    const debit = this.accounts.get(transfer.debitAccountId);
    const credit = this.accounts.get(transfer.creditAccountId);
    const known = this.transfers.get(transfer.id);
    let code: number = Code.ok;
    if (debit === undefined) code = Code.debitAccountNotFound;
    else if (credit === undefined) code = Code.creditAccountNotFound;
    else if (known !== undefined && known.amount !== transfer.amount) code = Code.existsWithDifferentAmount;
    if (code === Code.ok && known === undefined) {
      debit!.debitsPosted += transfer.amount;
      credit!.creditsPosted += transfer.amount;
      this.transfers.set(transfer.id, { ...transfer, timestamp: transfer.timestamp === 0n ? NOW : transfer.timestamp });
    }
    const balances = record(BALANCES, {
      debitDebitsPosted: debit?.debitsPosted ?? 0n,
      creditCreditsPosted: credit?.creditsPosted ?? 0n,
    });
    return [result(code, known !== undefined), ...(wantsBalances ? [balances] : [])];
  }

  #history(query: Pick<RecordOf<typeof HISTORY_QUERY.fields>, 'accountId' | 'cursor' | 'limit'>) {
    if (!this.accounts.has(query.accountId)) return { count: 0, parts: [result(Code.accountNotFound), page(0n, 0)] };
    const all = [...this.transfers.values()]
      .reverse()
      .filter(({ debitAccountId, creditAccountId }) => [debitAccountId, creditAccountId].includes(query.accountId));
    const start = Number(query.cursor);
    const shown = all.slice(start, start + query.limit);
    const end = start + shown.length;
    const entries = shown.flatMap((transfer) => [outcome(), record(TRANSFER, transfer)]);
    const next = end < all.length ? BigInt(end) : 0n;
    return { count: shown.length, parts: [result(Code.ok), page(next, shown.length), ...entries] };
  }

  #pay(name: 'sale' | 'authorise', payment: Payment, reference: Uint8Array): Uint8Array[] {
    const known = this.payments.get(payment.id);
    if (known !== undefined) {
      const code = known.payment.amount === payment.amount ? known.state.code : Code.existsWithDifferentAmount;
      return [result(code, code === known.state.code), record(PAYMENT_STATE, known.state)];
    }
    const payer = this.accounts.get(payment.payerAccountId);
    if (payer === undefined) return [result(Code.payerAccountNotFound), record(PAYMENT_STATE, {})];
    const isPoor = payer.creditsPosted - payer.debitsPosted < payment.amount;
    const code = isPoor ? Code.insufficientFunds : Code.ok;
    const isSale = name === 'sale';
    const open = isSale ? PaymentStates.captured : PaymentStates.authorised;
    const state: State = {
      ...ZERO_STATE,
      state: isPoor ? PaymentStates.declined : open,
      operation: PaymentOperations[name],
      code,
      version: 1,
      captured: isSale && !isPoor ? payment.amount : 0n,
      createdAt: NOW,
      updatedAt: NOW,
      expiresAt: isSale ? 0n : NOW + 1_000_000n,
    };
    if (!isPoor) payer.debitsPosted += payment.amount;
    const stored = {
      payment: { ...payment, timestamp: NOW },
      reference,
      operation: record(PAYMENT_OPERATION, {}),
      state,
    };
    this.payments.set(payment.id, stored);
    return [result(code), record(PAYMENT_STATE, state)];
  }

  #operate(
    name: 'capture' | 'void' | 'refund' | 'revert' | 'release' | 'confirm' | 'cancel',
    operation: RecordOf<typeof PAYMENT_OPERATION.fields>,
    bytes: Uint8Array,
  ): Uint8Array[] {
    const stored = this.payments.get(operation.paymentId);
    if (stored === undefined) return [result(Code.paymentNotFound), record(PAYMENT_STATE, {})];
    const { state, payment } = stored;
    const amount = operation.amount === 0n ? payment.amount - state.captured : operation.amount;
    let code: number = Code.ok;
    if (name === 'capture' && state.captured + amount > payment.amount) code = Code.exceedsAuthorisedAmount;
    if (name === 'void' && state.state !== PaymentStates.authorised) code = Code.paymentAlreadyCaptured;
    if (name === 'refund' && state.captured === 0n) code = Code.paymentNotCaptured;
    const base = { ...state, version: state.version + 1, operation: PaymentOperations[name], code, updatedAt: NOW };
    if (code !== Code.ok) return [result(code), record(PAYMENT_STATE, base)];
    if (name === 'capture') {
      stored.state = { ...base, captured: state.captured + amount, state: PaymentStates.captured };
    } else if (name === 'void') {
      stored.state = { ...base, released: payment.amount, state: PaymentStates.voided, expiresAt: 0n };
    } else {
      stored.state = { ...base, refunded: state.refunded + (operation.amount || state.captured) };
    }
    stored.operation.set(bytes.subarray(0, PAYMENT_OPERATION.size));
    return [result(Code.ok), record(PAYMENT_STATE, stored.state)];
  }

  #query(query: RecordOf<typeof PAYMENT_QUERY.fields>, tail: Uint8Array) {
    const reference = Buffer.from(tail.subarray(0, query.referenceLength)).toString();
    const all = [...this.payments.values()]
      .reverse()
      .filter(
        (one) =>
          (query.state === 0 || one.state.state === query.state) &&
          (reference === '' || Buffer.from(one.reference).toString() === reference) &&
          (query.accountId === 0n ||
            [one.payment.payerAccountId, one.payment.payeeAccountId].includes(query.accountId)),
      );
    const start = Number(query.cursor);
    const shown = all.slice(start, start + query.limit);
    const next = start + shown.length < all.length ? BigInt(start + shown.length) : 0n;
    return { count: shown.length, parts: [result(Code.ok), page(next, shown.length), ...shown.flatMap(viewOf)] };
  }

  #rich(name: CommandName, body: unknown, institution: number): RichReply {
    this.rich.push(body);
    const { handle = '' } = body as { handle?: string };
    if (name === 'putParty') {
      const known = this.parties.get(handle);
      const party = { ...(body as StoredParty), institution, updatedAt: Number(NOW) };
      if (known !== undefined && known.kind !== party.kind) return { code: Code.partyKindMustNotChange };
      this.parties.set(handle, party);
      return { code: Code.ok, party };
    }
    if (name === 'getParty') {
      const party = this.parties.get(handle);
      return party === undefined ? { code: Code.partyNotFound } : { code: Code.ok, party };
    }
    if (name === 'explainPayment') return { code: Code.decisionNotFound };
    if (name === 'readCases' && 'paymentId' in (body as object)) return { code: Code.caseNotFound };
    if (name === 'listParties') return { code: Code.ok, parties: [...this.parties.values()], nextCursor: 0 };
    if (name === 'putTariff') {
      const { feeAccountId } = body as { feeAccountId: string };
      return { code: this.accounts.has(BigInt(`0x${feeAccountId}`)) ? Code.ok : Code.feeAccountNotFound };
    }
    return { code: Code.ok };
  }
}

/** Of the circumstances that follow a payment. */
function contextBytes(view: DataView): number {
  return (view.getUint16(PAYMENT.at.flags, true) & PaymentFlags.riskContext) === 0 ? 0 : RISK_CONTEXT.size;
}

function record<F extends Parameters<typeof encodeRecord>[0]['fields']>(
  shape: Parameters<typeof encodeRecord<F>>[0],
  fields: Parameters<typeof encodeRecord<F>>[3],
): Uint8Array {
  const bytes = new Uint8Array(shape.size);
  encodeRecord(shape, new DataView(bytes.buffer), 0, fields);
  return bytes;
}

const result = (code: number, replayed = false) =>
  record(RESULT, { code, flags: replayed ? ResultFlags.replayed : 0, timestamp: NOW });
const page = (nextCursor: bigint, count: number) => record(PAGE, { nextCursor, count });
const outcome = () => record(TRANSFER_OUTCOME, { institution: 2, debitBalanceAfter: -5n, creditBalanceAfter: 7n });

function viewOf({ payment, state, operation, reference }: StoredPayment): Uint8Array[] {
  const padded = new Uint8Array((reference.length + 15) & ~15);
  padded.set(reference);
  return [record(PAYMENT, payment), record(PAYMENT_STATE, state), operation, padded];
}

function frameOf(kind: number, count: number, parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([record(FRAME_HEADER, { version: 1, kind, count }), ...parts]);
}
