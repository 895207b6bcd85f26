/**
 * The steps of freezes and cases that move money, in front of the router: a freeze of received money is an entity and then a pending
 * transfer with its id; what ends it, and what a case decides, is done to the money first and written down after. Each step
 * has an id made from that of the freeze or the case, so whoever was cut off in between asks again, and nothing happens twice.
 */
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { deriveId, parseId } from '../../protocol/ids.ts';
import { decodeRecord, type RecordOf, writeU128 } from '../../protocol/layout.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import {
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_STATE,
  PaymentStates,
  RESULT,
  TRANSFER,
  TRANSFER_OUTCOME,
  TransferFlags,
} from '../../protocol/records.ts';
import type { ChangeCaseBody, EndFreezeBody } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import type { CommandEnvelope, Gateway, ReplySink } from '../gateway.ts';
import { askRecords, askRich, type RichAnswer, recordBytes, richFrame } from '../gateway-calls.ts';
import { deliverOne, refusalFrame } from '../router/gather.ts';

/** `TRANSFER.code` of what freezes move. */
const FREEZE_CODE = 0xf4ee;
const MICROS_PER_SECOND = 1_000_000;

const STEPS: ReadonlySet<number> = new Set([
  COMMANDS.putFreeze.kind,
  COMMANDS.endFreeze.kind,
  COMMANDS.changeCase.kind,
]);

export class RiskGate implements Gateway {
  readonly #next: Gateway;
  /** µs. */
  readonly #clock: () => number;

  constructor(next: Gateway, clock: () => number) {
    this.#next = next;
    this.#clock = clock;
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (!STEPS.has(envelope.kind)) return this.#next.submit(envelope, body, sink);
    // Both are used again when this has returned.
    const kept = { ...envelope };
    void this.#decide(kept, body.slice()).then((reply) =>
      deliverOne(sink, typeof reply === 'number' ? refusalFrame(kept, reply) : richFrame(kept, reply)),
    );
    return Code.ok;
  }

  async #decide({ kind, institution }: CommandEnvelope, body: Uint8Array): Promise<RichAnswer> {
    const value: unknown = decodeMessagePack(body);
    if (kind === COMMANDS.putFreeze.kind) return this.#freeze(institution, body);
    // Whatever does not look right is left for the partition to refuse.
    if (kind === COMMANDS.endFreeze.kind) return this.#endFreeze(institution, value as EndFreezeBody, body);
    return this.#decideCase(institution, value as ChangeCaseBody, body);
  }

  async #freeze(institution: number, body: Uint8Array): Promise<RichAnswer> {
    const reply = await this.#rich('putFreeze', institution, body);
    if (typeof reply === 'number' || reply.freeze === undefined) return reply;
    const { freeze } = reply;
    if (freeze.kind === 'sender' || freeze.state !== 'open') return reply;
    const timeoutS = Math.ceil((freeze.until - this.#clock()) / MICROS_PER_SECOND);
    const known = await this.#transferOf(institution, freeze.id);
    if (typeof known === 'number') return known;
    if (known === undefined) {
      if (timeoutS <= 0) return reply;
      const code = await this.#transfer(institution, {
        id: idOf(freeze.id),
        debitAccountId: idOf(freeze.accountId),
        creditAccountId: idOf(freeze.payerAccountId ?? ''),
        amount: BigInt(freeze.amount ?? 0),
        ledger: freeze.ledger,
        code: FREEZE_CODE,
        timeoutS,
        flags: TransferFlags.pending | TransferFlags.balancingDebit,
      });
      // There may be nothing left to block: the freeze stands, and says so.
      if (code === Code.exceedsCredits) return { ...reply, freeze: { ...freeze, blocked: 0 } };
      if (code !== Code.ok) return { code };
    }
    const made = known ?? (await this.#transferOf(institution, freeze.id));
    if (typeof made === 'number') return made;
    return { ...reply, freeze: { ...freeze, blocked: Number(made?.amount ?? 0n) } };
  }

  async #endFreeze(institution: number, body: EndFreezeBody | undefined, bytes: Uint8Array): Promise<RichAnswer> {
    if (
      parseId(String(body?.id)) !== undefined &&
      parseId(String(body?.accountId)) !== undefined &&
      body !== undefined
    ) {
      const moved = await this.#endBlock(institution, body);
      if (moved !== Code.ok) return { code: moved };
    }
    return this.#rich('endFreeze', institution, bytes);
  }

  /** Posts or voids the pending transfer of a freeze, if there is one. */
  async #endBlock(institution: number, { id, accountId, decision }: EndFreezeBody): Promise<number> {
    const block = await this.#transferOf(institution, id);
    if (typeof block === 'number') return block;
    if (block === undefined || block.debitAccountId !== idOf(accountId) || block.code !== FREEZE_CODE) return Code.ok;
    const isReturn = decision === 'return';
    const code = await this.#transfer(institution, {
      id: deriveId('freeze', id, isReturn ? 'return' : 'release'),
      debitAccountId: block.debitAccountId,
      pendingId: block.id,
      flags: isReturn ? TransferFlags.postPending : TransferFlags.voidPending,
    });
    // What was to be released is free.
    return !isReturn && code === Code.pendingTransferExpired ? Code.ok : code;
  }

  async #decideCase(institution: number, body: ChangeCaseBody | undefined, bytes: Uint8Array): Promise<RichAnswer> {
    const id = parseId(String(body?.paymentId));
    if (body?.decision !== undefined && id !== undefined) {
      const question = encodeMessagePack({ paymentId: body.paymentId, cursor: 0, limit: 1 });
      const known = await this.#rich('readCases', institution, question);
      if (typeof known === 'number' || known.case === undefined) return known;
      const { state } = known.case;
      if (state === 'open' || state === 'analysed') {
        const moved = await this.#settlePayment(institution, id, body.decision);
        if (moved !== Code.ok) return { code: moved };
      }
    }
    return this.#rich('changeCase', institution, bytes);
  }

  /** Does to a payment what its case decides, as far as there is something to do. */
  async #settlePayment(institution: number, paymentId: bigint, decision: 'release' | 'return'): Promise<number> {
    const key = new Uint8Array(16);
    writeU128(new DataView(key.buffer), 0, paymentId);
    const view = await this.#records('lookupPayments', institution, key);
    if (typeof view === 'number') return view;
    const found = view.getUint16(RESULT.at.code, true);
    if (found !== Code.ok) return found;
    const { state, captured, refunded } = decodeRecord(PAYMENT_STATE, view, RESULT.size + PAYMENT.size);
    const operation = operationOf(state, captured - refunded, decision);
    if (operation === undefined) return Code.ok;
    const record = recordBytes(PAYMENT_OPERATION, {
      id: deriveId('case', paymentId.toString(16), decision),
      paymentId,
    });
    const reply = await this.#records(operation, institution, record);
    return typeof reply === 'number' ? reply : reply.getUint16(RESULT.at.code, true);
  }

  /** The transfer with this id; undefined when there is none, a code when the look-up was not taken. */
  async #transferOf(institution: number, id: string): Promise<RecordOf<typeof TRANSFER.fields> | undefined | number> {
    const key = new Uint8Array(16);
    writeU128(new DataView(key.buffer), 0, idOf(id));
    const view = await this.#records('lookupTransfers', institution, key);
    if (typeof view === 'number') return view;
    if (view.getUint16(RESULT.at.code, true) !== Code.ok) return undefined;
    // A transfer that was refused moved nothing.
    if (view.getUint16(RESULT.size + TRANSFER_OUTCOME.at.code, true) !== Code.ok) return undefined;
    return decodeRecord(TRANSFER, view, RESULT.size + TRANSFER_OUTCOME.size);
  }

  async #transfer(institution: number, fields: Partial<RecordOf<typeof TRANSFER.fields>>): Promise<number> {
    const view = await this.#records('createTransfers', institution, recordBytes(TRANSFER, fields));
    return typeof view === 'number' ? view : view.getUint16(RESULT.at.code, true);
  }

  #records(name: CommandName, institution: number, body: Uint8Array): Promise<DataView | number> {
    return askRecords(this.#next, name, institution, body);
  }

  #rich(name: CommandName, institution: number, body: Uint8Array): Promise<RichAnswer> {
    return askRich(this.#next, name, institution, body);
  }
}

function operationOf(state: number, given: bigint, decision: 'release' | 'return'): CommandName | undefined {
  if (decision === 'release') return state === PaymentStates.held ? 'release' : undefined;
  if (state === PaymentStates.held || state === PaymentStates.challenged) return 'void';
  if (state === PaymentStates.authorised) return 'revert';
  return state === PaymentStates.captured && given > 0n ? 'revert' : undefined;
}

function idOf(text: string): bigint {
  return parseId(text) ?? 0n;
}
