/** Sends commands to a partition as a client would, and reads the replies as objects. One call is one batch. */

import {
  accountsRequest,
  type CodelessByCode,
  type CodelessPayment,
  changesRequest,
  endChainRequest,
  framed,
  operationRequest,
  paymentRequest,
  type RawAccount,
  type RawChainEnd,
  type RawChange,
  type RawTransfer,
  type Request,
  records,
  reply,
  SECOND,
  START,
  transfersRequest,
} from '../../engine/simulate/model/requests.ts';
import { Batch, type BatchBounds, batchBytes, DEFAULT_BOUNDS } from '../../engine/worker/batch.ts';
import type { BatchResult, Partition } from '../../engine/worker/partition.ts';
import { weightOf } from '../../engine/worker/weights.ts';
import type { CampaignBody, PartyBody, TariffBody } from '../../protocol/bodies.ts';
import { type AccountLookup, decodeLookupAccounts, encodeLookupAccounts } from '../../protocol/codecs/account-codec.ts';
import { openReply } from '../../protocol/codecs/frame-codec.ts';
import {
  decodeAccountHistory,
  encodeAccountHistory,
  type HistoryInput,
  type HistoryPage,
} from '../../protocol/codecs/history-codec.ts';
import type {
  PaymentCommand,
  PaymentOperationCommand,
  PaymentOperationInput,
  PaymentResult,
} from '../../protocol/codecs/payment-codec.ts';
import {
  decodeLookupPayments,
  decodeQueryPayments,
  encodeLookupPayments,
  encodeQueryPayments,
  type PaymentLookup,
  type PaymentPage,
  type PaymentQueryInput,
} from '../../protocol/codecs/payment-query-codec.ts';
import {
  type AggregatePage,
  type AggregateQuery,
  type BalanceAt,
  type BalanceQuery,
  decodeAggregate,
  decodeBalancesAt,
  decodeQueryHistory,
  decodeTrialBalance,
  encodeAggregate,
  encodeBalancesAt,
  encodeQueryHistory,
  encodeTrialBalance,
  type HistoryFilter,
  type TrialPage,
  type TrialQuery,
} from '../../protocol/codecs/reading-codec.ts';
import { decodeRegistry, encodeRegistry, type RegistryResult } from '../../protocol/codecs/registry-codec.ts';
import { decodeRich, encodeRich, type RichResult } from '../../protocol/codecs/rich-codec.ts';
import {
  type ChainEnded,
  decodeLookupTransfers,
  encodeLookupTransfers,
  type TransferLookup,
  type TransferResult,
} from '../../protocol/codecs/transfer-codec.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FrameFlags } from '../../protocol/frame.ts';
import type { RegistryBodies, RegistryCommand } from '../../protocol/registry-bodies.ts';
import { memoryPartition } from './memory-partition.ts';

export {
  accountsRequest,
  type CodelessByCode,
  type CodelessPayment,
  changesRequest,
  endChainRequest,
  framed,
  operationRequest,
  paymentRequest,
  type RawAccount,
  type RawChainEnd,
  type RawChange,
  type RawTransfer,
  type Request,
  records,
  reply,
  SECOND,
  START,
  transfersRequest,
};

const SMALL: BatchBounds = { ...DEFAULT_BOUNDS, replyBytesMax: 4 * 1024 * 1024 };
const ID = { requestId: 7 };

export class Desk {
  readonly partition: Partition;
  /** Timestamp of the next batch, µs. */
  now = START;
  last: BatchResult | undefined;
  readonly #batch: Batch;

  constructor(partition: Partition = memoryPartition().partition, bounds: BatchBounds = SMALL) {
    this.partition = partition;
    this.#batch = new Batch(new SharedArrayBuffer(batchBytes(bounds)), bounds);
  }

  /** Decides one batch; reply frames in the order of the requests. */
  async batch(requests: readonly Request[]): Promise<Uint8Array[]> {
    this.#batch.clear();
    for (const { institution, name, flags, count, body } of requests) {
      const { kind } = COMMANDS[name];
      const envelope = { kind, flags, count, requestIdLow: 7, requestIdHigh: 0, institution };
      if (!this.#batch.add(envelope, body, weightOf(kind, flags, count))) throw new Error('the batch is full');
    }
    this.last = await this.partition.run(this.#batch, this.now);
    return requests.map((_, index) => this.#batch.reply(index).slice());
  }

  async one(request: Request): Promise<Uint8Array> {
    const [frame] = await this.batch([request]);
    if (frame === undefined) throw new Error('no reply');
    return frame;
  }

  /** Lets time pass and fires what is due. */
  async pass(seconds: number): Promise<void> {
    this.now += seconds * SECOND;
    await this.batch([]);
  }

  async accounts(institution: number, ...items: RawAccount[]): Promise<number[]> {
    return reply.accounts(await this.one(accountsRequest(institution, items))).map((result) => result.code);
  }

  /** Changes of accounts: names of the results. */
  async changes(institution: number, ...items: RawChange[]): Promise<string[]> {
    return reply.accounts(await this.one(changesRequest(institution, items))).map(({ name }) => name);
  }

  async transfers(institution: number, ...items: RawTransfer[]): Promise<number[]> {
    return (await this.results(institution, items)).map((result) => result.code);
  }

  async results(institution: number, items: readonly RawTransfer[], flags = 0): Promise<TransferResult[]> {
    return reply.transfers(await this.one(transfersRequest(institution, items, flags)));
  }

  async endChain(institution: number, item: RawChainEnd): Promise<ChainEnded> {
    return reply.chain(await this.one(endChainRequest(institution, item)));
  }

  withBalances(institution: number, ...items: RawTransfer[]): Promise<TransferResult[]> {
    return this.results(institution, items, FrameFlags.balances);
  }

  async pay(institution: number, name: PaymentCommand, payment: CodelessPayment): Promise<PaymentResult> {
    return reply.payment(await this.one(paymentRequest(institution, name, payment)), name);
  }

  async operate(
    institution: number,
    name: PaymentOperationCommand,
    operation: PaymentOperationInput,
  ): Promise<PaymentResult> {
    return reply.payment(await this.one(operationRequest(institution, name, operation)), name);
  }

  async lookupAccounts(institution: number, ...ids: bigint[]): Promise<AccountLookup[]> {
    return decodeLookupAccounts(openReply(await this.one(framed(institution, encodeLookupAccounts(ids, ID)))));
  }

  /** [debits pending, debits posted, credits pending, credits posted] as the operator sees them. */
  async balances(id: bigint): Promise<number[]> {
    const [found] = await this.lookupAccounts(1, id);
    const account = found?.account;
    if (account === undefined) throw new Error(`no account ${id}`);
    return [account.debitsPending, account.debitsPosted, account.creditsPending, account.creditsPosted].map(Number);
  }

  async lookupTransfers(institution: number, ...ids: bigint[]): Promise<TransferLookup[]> {
    return decodeLookupTransfers(openReply(await this.one(framed(institution, encodeLookupTransfers(ids, ID)))));
  }

  async history(institution: number, query: HistoryInput): Promise<HistoryPage> {
    return decodeAccountHistory(openReply(await this.one(framed(institution, encodeAccountHistory(query, ID)))));
  }

  async queryHistory(institution: number, filter: HistoryFilter): Promise<HistoryPage> {
    return decodeQueryHistory(openReply(await this.one(framed(institution, encodeQueryHistory(filter, ID)))));
  }

  async balancesAt(institution: number, query: BalanceQuery): Promise<BalanceAt> {
    return decodeBalancesAt(openReply(await this.one(framed(institution, encodeBalancesAt(query, ID)))));
  }

  async trialBalance(institution: number, query: TrialQuery = {}): Promise<TrialPage> {
    return decodeTrialBalance(openReply(await this.one(framed(institution, encodeTrialBalance(query, ID)))));
  }

  async aggregate(institution: number, query: AggregateQuery): Promise<AggregatePage> {
    return decodeAggregate(openReply(await this.one(framed(institution, encodeAggregate(query, ID)))));
  }

  async lookupPayments(institution: number, ...ids: bigint[]): Promise<PaymentLookup[]> {
    return decodeLookupPayments(openReply(await this.one(framed(institution, encodeLookupPayments(ids, ID)))));
  }

  async queryPayments(institution: number, query: PaymentQueryInput): Promise<PaymentPage> {
    return decodeQueryPayments(openReply(await this.one(framed(institution, encodeQueryPayments(query, ID)))));
  }

  async putParty(institution: number, body: PartyBody): Promise<RichResult> {
    return decodeRich(openReply(await this.one(framed(institution, encodeRich('putParty', body, ID)))), 'putParty');
  }

  async getParty(institution: number, handle: string): Promise<RichResult> {
    const frame = encodeRich('getParty', { handle }, ID);
    return decodeRich(openReply(await this.one(framed(institution, frame))), 'getParty');
  }

  async listParties(institution: number, cursor: number, limit: number): Promise<RichResult> {
    const frame = encodeRich('listParties', { cursor, limit }, ID);
    return decodeRich(openReply(await this.one(framed(institution, frame))), 'listParties');
  }

  async putTariff(institution: number, body: TariffBody): Promise<number> {
    const frame = await this.one(framed(institution, encodeRich('putTariff', body, ID)));
    return decodeRich(openReply(frame), 'putTariff').code;
  }

  async registry<C extends RegistryCommand>(
    institution: number,
    command: C,
    body: RegistryBodies[C],
  ): Promise<RegistryResult> {
    const frame = await this.one(framed(institution, encodeRegistry(command, body, ID)));
    return decodeRegistry(openReply(frame), command);
  }

  async putCampaign(institution: number, body: CampaignBody): Promise<number> {
    const frame = await this.one(framed(institution, encodeRich('putCampaign', body, ID)));
    return decodeRich(openReply(frame), 'putCampaign').code;
  }
}
