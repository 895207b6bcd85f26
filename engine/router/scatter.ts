/**
 * Finds the partitions of a command when there are several: one, some (each record to its own), or all. Nothing here decides
 * about money; a part that is asked again after a `busy` gives the same answers, because ids make it so.
 */
import { CARD, CARD_USE } from '../../protocol/cards.ts';
import { COMMANDS, commandOfKind } from '../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { deriveId, parseId, partyAccountId } from '../../protocol/ids.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../protocol/payer-codes.ts';
import { AGGREGATE_QUERY, BALANCE_QUERY, HISTORY_FILTER } from '../../protocol/reading-records.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  BALANCES,
  END_CHAIN,
  HISTORY_QUERY,
  PAYMENT,
  paymentViewBytes,
  RESULT,
  TRANSFER,
  TRANSFER_OUTCOME,
} from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { RISK_SIGNAL } from '../../protocol/risk.ts';
import type { CommandEnvelope, ReplyCursor, ReplySink } from '../gateway.ts';
import type { Merge } from './gather.ts';
import { deliverOne, Gather, refusalFrame } from './gather.ts';
import { importRounds } from './import-rounds.ts';
import type { Lane } from './lane.ts';
import { mergeFound, mergeRich, mergeScattered, readCode, richCode } from './merge.ts';
import { mergeTrial, trialLimit } from './merge-trial.ts';
import { pageOf, readPageCursor } from './pages.ts';
import { PaymentRoutes } from './payment-routes.ts';
import type { RecordShape } from './split.ts';
import { partitionAt, partitionOfId, pickRecords, splitRecords } from './split.ts';

const ACCOUNT_RECORDS: RecordShape = { recordBytes: ACCOUNT.size, keyAt: ACCOUNT.at.id, flagsAt: ACCOUNT.at.flags };
const TRANSFER_RECORDS: RecordShape = {
  recordBytes: TRANSFER.size,
  keyAt: TRANSFER.at.debitAccountId,
  flagsAt: TRANSFER.at.flags,
};
const CHANGE_RECORDS: RecordShape = { recordBytes: ACCOUNT_CHANGE.size, keyAt: ACCOUNT_CHANGE.at.accountId };
const SIGNAL_RECORDS: RecordShape = { recordBytes: RISK_SIGNAL.size, keyAt: RISK_SIGNAL.at.accountId };
const CARD_RECORDS: RecordShape = { recordBytes: CARD.size, keyAt: CARD.at.token };
const CARD_USES: RecordShape = { recordBytes: CARD_USE.size, keyAt: CARD_USE.at.token };
const PAYER_CODES: RecordShape = { recordBytes: PAYER_CODE.size, keyAt: PAYER_CODE.at.accountId };
const IDS: RecordShape = { recordBytes: 16, keyAt: 0 };

export class Scatter {
  readonly #lanes: readonly Lane[];

  readonly #payments: PaymentRoutes;

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
    this.#payments = new PaymentRoutes(lanes);
  }

  /** See Gateway.submit. */
  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const name = commandOfKind(envelope.kind);
    switch (name) {
      case 'createAccounts':
        return this.#split(envelope, body, sink, ACCOUNT_RECORDS, RESULT.size);
      case 'createTransfers': {
        const withBalances = (envelope.flags & FrameFlags.balances) !== 0;
        const stride = withBalances ? RESULT.size + BALANCES.size : RESULT.size;
        return this.#transfers(envelope, body, sink, stride);
      }
      case 'changeAccounts':
        return this.#split(envelope, body, sink, CHANGE_RECORDS, RESULT.size);
      case 'lookupAccounts':
        return this.#split(envelope, body, sink, IDS, RESULT.size + ACCOUNT.size);
      case 'lookupTransfers': {
        const stride = RESULT.size + TRANSFER_OUTCOME.size + TRANSFER.size;
        return this.#all(envelope, body, sink, (parts) => mergeFound(parts, () => stride));
      }
      case 'lookupPayments':
        return this.#all(envelope, body, sink, mergePayments);
      case 'endChain':
        return this.#one(partitionAt(body, END_CHAIN.at.debitAccountId, this.#lanes.length), envelope, body, sink);
      case 'accountHistory':
        return this.#one(partitionAt(body, HISTORY_QUERY.at.accountId, this.#lanes.length), envelope, body, sink);
      case 'queryHistory':
        return this.#one(partitionAt(body, HISTORY_FILTER.at.accountId, this.#lanes.length), envelope, body, sink);
      case 'balancesAt':
        return this.#one(partitionAt(body, BALANCE_QUERY.at.accountId, this.#lanes.length), envelope, body, sink);
      case 'aggregate':
        return this.#one(partitionAt(body, AGGREGATE_QUERY.at.accountId, this.#lanes.length), envelope, body, sink);
      case 'trialBalance': {
        const limit = trialLimit(body);
        return this.#all(envelope, body, sink, (parts) => mergeTrial(parts, limit));
      }
      case 'sale':
      case 'authorise':
        return this.#payments.create(envelope, body, sink);
      case 'capture':
      case 'void':
      case 'refund':
      case 'revert':
      case 'release':
      case 'confirm':
      case 'cancelPayment':
        return this.#payments.operate(envelope, body, sink);
      case 'readCases':
        // One case is asked of all partitions; a page goes through them.
        if (decodeMessagePack(body)?.paymentId !== undefined) return this.#all(envelope, body, sink, mergeExplained);
        return this.#page(envelope, body, sink);
      case 'queryPayments':
      case 'listParties':
        return this.#page(envelope, body, sink);
      case 'putParty':
      case 'getParty':
        return this.#one(this.#homeOfParty(envelope.institution, body), envelope, body, sink);
      case 'reportSignals':
        return this.#split(envelope, body, sink, SIGNAL_RECORDS, RESULT.size);
      case 'putCards':
        return this.#split(envelope, body, sink, CARD_RECORDS, RESULT.size);
      case 'lookupCards':
        return this.#split(envelope, body, sink, IDS, RESULT.size + CARD.size);
      case 'useCards':
        return this.#split(envelope, body, sink, CARD_USES, RESULT.size + CARD.size);
      case 'issueCodes':
        return this.#split(envelope, body, sink, PAYER_CODES, RESULT.size + PAYER_CODE.size);
      case 'lookupCodes':
        return this.#split(envelope, body, sink, IDS, RESULT.size + PAYER_CODE.size);
      case 'putCodeDevice':
        return this.#one(partitionAt(body, CODE_DEVICE.at.accountId, this.#lanes.length), envelope, body, sink);
      case 'lookupCodeDevices':
        return this.#split(envelope, body, sink, IDS, RESULT.size + CODE_DEVICE.size);
      case 'openCase':
      case 'changeCase':
      case 'explainPayment':
        return this.#all(envelope, body, sink, mergeExplained);
      case 'getRiskList':
        return this.#one(0, envelope, body, sink);
      case 'putRiskExemption':
      case 'putFreeze':
      case 'endFreeze':
      case 'readAccountRisk':
        return this.#one(this.#homeOfAccount(body), envelope, body, sink);
      case 'putOutbox':
      case 'changeOutbox':
      case 'removeOutbox':
      case 'listOutbox':
        return this.#one(this.#homeOfQueue(body), envelope, body, sink);
      case 'putOrder':
        return this.#one(this.#homeOfPayee(envelope.institution, body), envelope, body, sink);
      case 'readOrder':
      case 'changeOrder':
        return this.#all(envelope, body, sink, mergeExplained);
      case 'putCounters':
      case 'getCounters':
        return this.#one(this.#homeOfParty(envelope.institution, body), envelope, body, sink);
      case 'activateRules':
      case 'putTariff':
      case 'putCampaign':
      case 'putRiskList':
        return this.#terms({ ...envelope }, body.slice(), sink);
      default:
        return Code.unknownKind;
    }
  }

  #one(partition: number, envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    return this.#lane(partition).submit(envelope, body, sink);
  }

  #lane(partition: number): Lane {
    const lane = this.#lanes[partition];
    if (lane === undefined) throw new Error(`no partition ${partition}`);
    return lane;
  }

  /** Imports in rounds: see import-rounds.ts. A dry run leaves nothing that the next round could see. */
  #transfers(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink, stride: number): number {
    const isDry = (envelope.flags & FrameFlags.dryRun) !== 0;
    const rounds = isDry ? [] : importRounds(body, envelope.count, this.#lanes.length);
    if (rounds.length < 2) return this.#split(envelope, body, sink, TRANSFER_RECORDS, stride);
    const whole = { ...envelope };
    const kept = body.slice();
    const frames: Uint8Array[] = [];
    const send = (round: number): number => {
      const indexes = rounds[round] ?? [];
      const picked = pickRecords(kept, indexes, TRANSFER.size);
      const deliver = (replies: ReplyCursor): void => {
        const frame = replies.take();
        if (frame === undefined) return;
        // Not taken: what was decided before is answered again when the message comes again.
        if (frame.length !== FRAME_HEADER.size + indexes.length * stride) return deliverOne(sink, frame.slice());
        frames.push(frame.slice());
        if (frames.length === rounds.length) return deliverOne(sink, mergeScattered(frames, rounds, stride));
        const code = send(round + 1);
        if (code !== Code.ok) deliverOne(sink, refusalFrame(whole, code));
      };
      return this.#split({ ...whole, count: indexes.length }, picked, { deliver }, TRANSFER_RECORDS, stride);
    };
    return send(0);
  }

  /** Each record to its partition; the results come back in the order of the request. */
  #split(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink, shape: RecordShape, stride: number): number {
    const groups = splitRecords(body, envelope.count, shape, this.#lanes.length);
    const used = groups
      .map((indexes, partition) => ({ indexes, partition }))
      .filter(({ indexes }) => indexes.length > 0);
    const [first] = used;
    if (used.length === 1 && first !== undefined) return this.#one(first.partition, envelope, body, sink);
    const gather = new Gather(sink, (parts) =>
      mergeScattered(
        parts,
        used.map(({ indexes }) => indexes),
        stride,
      ),
    );
    const submissions = used.map(({ indexes, partition }) => ({ indexes, partition, part: gather.part() }));
    for (const { indexes, partition, part } of submissions) {
      const picked = pickRecords(body, indexes, shape.recordBytes);
      const code = this.#one(partition, { ...envelope, count: indexes.length }, picked, part);
      if (code !== Code.ok) return abandoned(gather, code);
    }
    return Code.ok;
  }

  /** The same question to every partition. */
  #all(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink, merge: Merge): number {
    const gather = new Gather(sink, merge);
    const parts = this.#lanes.map(() => gather.part());
    for (const [partition, part] of parts.entries()) {
      const code = this.#one(partition, envelope, body, part);
      if (code !== Code.ok) return abandoned(gather, code);
    }
    return Code.ok;
  }

  /**
   * Terms and rules are kept in every partition, but only the one that has the account of terms can say whether it exists: it is
   * asked first, so that what it refuses is kept nowhere.
   */
  #terms(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const terms = decodeMessagePack(body);
    const id = parseId(String(terms?.feeAccountId ?? terms?.accountId ?? ''));
    const home = id === undefined ? 0 : partitionOfId(id, this.#lanes.length);
    const first = new Gather(sink, ([answer]) => {
      if (answer === undefined || richCode(answer) !== Code.ok) return answer;
      const others = this.#lanes.map((_, partition) => partition).filter((partition) => partition !== home);
      const gather = new Gather(sink, (parts) => mergeRich([answer, ...parts]));
      const parts = others.map((partition) => ({ partition, part: gather.part() }));
      for (const { partition, part } of parts) {
        const code = this.#one(partition, envelope, body, part);
        if (code !== Code.ok) return refusalFrame(envelope, abandoned(gather, code));
      }
      return undefined;
    });
    return this.#one(home, envelope, body, first.part());
  }

  /** Pages go through one partition after the other; the cursor says in which one to go on. */
  #page(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const partitions = this.#lanes.length;
    const isRich = envelope.kind !== COMMANDS.queryPayments.kind;
    const { partition, body: local } = readPageCursor(body, isRich, partitions);
    return this.#one(partition, { ...envelope, count: isRich ? local.length : envelope.count }, local, {
      deliver: (replies) => {
        const frame = replies.take();
        if (frame !== undefined) deliverOne(sink, pageOf(frame.slice(), isRich, partition, partitions));
      },
    });
  }

  /** Partition of the account that a MessagePack body names. A body that names none is refused wherever it goes. */
  #homeOfAccount(body: Uint8Array): number {
    const id = parseId(String(decodeMessagePack(body)?.accountId ?? ''));
    return id === undefined ? 0 : partitionOfId(id, this.#lanes.length);
  }

  /** Partition of a queue, by its name. A body that names none is refused wherever it goes. */
  #homeOfQueue(body: Uint8Array): number {
    const queue = decodeMessagePack(body)?.queue;
    const key = deriveId('queue', typeof queue === 'string' ? queue : '');
    return Number(key % BigInt(this.#lanes.length));
  }

  /** Partition of the account of a party in one currency. A body that names none is refused wherever it goes. */
  #homeOfPayee(institution: number, body: Uint8Array): number {
    const { handle, ledger } = decodeMessagePack(body) ?? {};
    const id = partyAccountId(institution, typeof handle === 'string' ? handle : '', Number(ledger));
    return partitionOfId(id, this.#lanes.length);
  }

  /** Partition of a party, by its name. A body that is no party is refused wherever it goes. */
  #homeOfParty(institution: number, body: Uint8Array): number {
    const handle = decodeMessagePack(body)?.handle;
    const key = deriveId('party', String(institution), typeof handle === 'string' ? handle : '');
    return Number(key % BigInt(this.#lanes.length));
  }
}

const mergePayments: Merge = (parts) => mergeFound(parts, paymentEntryBytes);

/** The partition that knows the payment, or the order, explains it. */
const mergeExplained: Merge = (parts) => {
  const byCode = (wanted: (code: unknown) => boolean) => parts.find((part) => wanted(richCode(part)));
  const isUnknown = (code: unknown): boolean =>
    code === Code.paymentNotFound || code === Code.caseNotFound || code === Code.orderNotFound;
  return byCode((code) => code === Code.ok) ?? byCode((code) => !isUnknown(code)) ?? parts[0];
};

/** Bytes of one entry of a lookupPayments reply: RESULT alone, or with the view. */
function paymentEntryBytes(frame: Uint8Array, at: number): number {
  return readCode(frame, at) === Code.ok ? RESULT.size + viewBytes(frame, at + RESULT.size) : RESULT.size;
}

function viewBytes(frame: Uint8Array, at: number): number {
  const view = new DataView(frame.buffer, frame.byteOffset);
  return paymentViewBytes(view.getUint16(at + PAYMENT.at.referenceLength, true));
}

function abandoned(gather: Gather, code: number): number {
  gather.abandon();
  return code;
}
