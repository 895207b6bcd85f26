/** The client of the switch, for Node and browsers: typed calls, pipelined over one connection that comes back. */
import type { ActivateRulesBody, CampaignBody, HelloReply, PartyBody, ReadChangesBody, TariffBody } from '../bodies.ts';
import {
  type AccountChangeInput,
  type AccountInput,
  type AccountLookup,
  decodeChangeAccounts,
  decodeCreateAccounts,
  decodeLookupAccounts,
  encodeChangeAccounts,
  encodeCreateAccounts,
  encodeLookupAccounts,
} from '../codecs/account-codec.ts';
import { buildFrame, expectEnd, expectReply, type Reply } from '../codecs/frame-codec.ts';
import {
  decodeAccountHistory,
  encodeAccountHistory,
  type HistoryInput,
  type HistoryPage,
  PAGE_LIMIT_DEFAULT,
} from '../codecs/history-codec.ts';
import {
  type CancellationInput,
  type ConfirmationInput,
  decodePayment,
  encodeCancellation,
  encodeConfirmation,
  encodePayment,
  encodePaymentOperation,
  type PaymentCommand,
  type PaymentInput,
  type PaymentOperationCommand,
  type PaymentOperationInput,
  type PaymentResult,
} from '../codecs/payment-codec.ts';
import {
  decodeLookupPayments,
  decodeQueryPayments,
  encodeLookupPayments,
  encodeQueryPayments,
  type PaymentLookup,
  type PaymentPage,
  type PaymentQueryInput,
} from '../codecs/payment-query-codec.ts';
import {
  type Aggregate,
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
} from '../codecs/reading-codec.ts';
import { decodeRegistry, encodeRegistry, type RegistryResult } from '../codecs/registry-codec.ts';
import type { Result } from '../codecs/result-codec.ts';
import { type ChangesResult, decodeChanges, decodeRich, encodeRich, type RichResult } from '../codecs/rich-codec.ts';
import {
  type ChainEnded,
  decodeCreateTransfers,
  decodeEndChain,
  decodeLookupTransfers,
  type EndChainInput,
  encodeCreateTransfers,
  encodeEndChain,
  encodeLookupTransfers,
  type TransferEntry,
  type TransferInput,
  type TransferLookup,
  type TransferResult,
} from '../codecs/transfer-codec.ts';
import { decodeReportSignals, encodeReportSignals, type SignalInput } from '../codecs/risk-codec.ts';
import { formatId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { RegistryBodies, RegistryCommand } from '../registry-bodies.ts';
import { CardCalls, type Encode } from './card-calls.ts';
import { CodeCalls } from './code-calls.ts';
import { Calls } from './calls.ts';
import { ChangeStream, type ChangesOptions } from './change-stream.ts';
import { type ClientOptions, type ClientSettings, clientSettings } from './client-options.ts';
import { allPages, wholeDays } from './pages.ts';

/** How a command that changes something is asked for. */
export interface CommandOptions {
  /** Only tell what would be answered now: nothing is done or kept, and the same id is still free. */
  readonly dryRun?: boolean;
}

/**
 * Calls reject with ConnectionLostError, RequestTimeoutError, QueueFullError, ClientClosedError, RefusedError,
 * EncodeError (a value that does not fit the wire; nothing was sent) or DecodeError (an answer that cannot be read).
 * A decline is not an error: it is the `code` of the answer.
 */
export class SluiceClient {
  readonly #calls: Calls;
  readonly #requestTimeoutMs: number;
  readonly cards = new CardCalls((encode, decode) => this.#batch(encode, decode));
  readonly codes = new CodeCalls((encode, decode) => this.#batch(encode, decode));

  private constructor(calls: Calls, { requestTimeoutMs }: ClientSettings) {
    this.#calls = calls;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /**
   * Connects and authenticates. Later breaks are mended in the background, and when all attempts fail, the next call
   * starts anew.
   * @throws RangeError, TypeError or EncodeError for options; RefusedError when the key is refused; ConnectionLostError
   */
  static async connect(options: ClientOptions): Promise<SluiceClient> {
    const settings = clientSettings(options);
    const calls = new Calls(settings);
    await calls.opened();
    return new SluiceClient(calls, settings);
  }

  /** What the server said in its last hello. */
  get server(): HelloReply | undefined {
    return this.#calls.hello;
  }

  /** Results in the order of the accounts. */
  createAccounts(accounts: readonly AccountInput[], { dryRun = false }: CommandOptions = {}): Promise<Result[]> {
    return this.#batch((options) => encodeCreateAccounts(accounts, { ...options, dryRun }), decodeCreateAccounts);
  }

  /** Sets states and credit limits; results in the order of the changes. */
  changeAccounts(changes: readonly AccountChangeInput[], { dryRun = false }: CommandOptions = {}): Promise<Result[]> {
    return this.#batch((options) => encodeChangeAccounts(changes, { ...options, dryRun }), decodeChangeAccounts);
  }

  /** Results in the order of the transfers; with `balances`, those of both accounts after each. */
  createTransfers(
    transfers: readonly TransferInput[],
    { balances = false, dryRun = false }: CommandOptions & { readonly balances?: boolean } = {},
  ): Promise<TransferResult[]> {
    return this.#batch(
      (options) => encodeCreateTransfers(transfers, { ...options, balances, dryRun }),
      (reply) => decodeCreateTransfers(reply, balances),
    );
  }

  /** Posts or voids every pending transfer of a linked chain, all or none. */
  endChain(chain: EndChainInput, { dryRun = false }: CommandOptions = {}): Promise<ChainEnded> {
    return this.#single((options) => encodeEndChain(chain, { ...options, dryRun }), decodeEndChain);
  }

  lookupAccounts(ids: readonly bigint[]): Promise<AccountLookup[]> {
    return this.#batch((options) => encodeLookupAccounts(ids, options), decodeLookupAccounts);
  }

  lookupTransfers(ids: readonly bigint[]): Promise<TransferLookup[]> {
    return this.#batch((options) => encodeLookupTransfers(ids, options), decodeLookupTransfers);
  }

  /** Entries of an account, newest first. */
  accountHistory(query: HistoryInput): Promise<HistoryPage> {
    return this.#single((options) => encodeAccountHistory(query, options), decodeAccountHistory);
  }

  /** One page of the entries of an account that match, in either order. See `entries` for all of them. */
  queryHistory(filter: HistoryFilter): Promise<HistoryPage> {
    return this.#single((options) => encodeQueryHistory(filter, options), decodeQueryHistory);
  }

  /**
   * The entries of an account that match, page after page: what is written meanwhile neither shifts nor repeats any.
   * @throws ResultError when a page is refused
   */
  async *entries(filter: HistoryFilter): AsyncGenerator<TransferEntry, void, undefined> {
    yield* allPages(
      filter.cursor,
      (cursor) => this.queryHistory({ ...filter, cursor }),
      ({ entries }) => entries,
    );
  }

  /** Posted balance of an account at a past time, and the entry that made it. */
  balancesAt(query: BalanceQuery): Promise<BalanceAt> {
    return this.#single((options) => encodeBalancesAt(query, options), decodeBalancesAt);
  }

  /** One page of the sums over all accounts of the institution, by ledger. */
  trialBalance(query: TrialQuery = {}): Promise<TrialPage> {
    return this.#single((options) => encodeTrialBalance(query, options), decodeTrialBalance);
  }

  /** One page of what was posted on an account by day and code. The last day can go on in the next page. */
  aggregate(query: AggregateQuery): Promise<AggregatePage> {
    return this.#single((options) => encodeAggregate(query, options), decodeAggregate);
  }

  /**
   * What was posted on an account by day and code, each pair once, in order.
   * @throws ResultError when a page is refused
   */
  async *aggregates(query: AggregateQuery): AsyncGenerator<Aggregate, void, undefined> {
    const pages = allPages(
      query.cursor,
      (cursor) => this.aggregate({ ...query, cursor }),
      ({ sums }) => sums,
    );
    yield* wholeDays(pages);
  }

  /** Authorises and captures in one step. */
  sale(payment: PaymentInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#payment('sale', payment, how);
  }

  /** Holds the money; `capture` takes it, `void` lets it go. */
  authorise(payment: PaymentInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#payment('authorise', payment, how);
  }

  capture(operation: PaymentOperationInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#operation('capture', operation, how);
  }

  void(operation: Omit<PaymentOperationInput, 'amount'>, how?: CommandOptions): Promise<PaymentResult> {
    return this.#operation('void', operation, how);
  }

  refund(operation: PaymentOperationInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#operation('refund', operation, how);
  }

  /** Releases what is held and gives back what is left of what was captured. */
  revert(operation: Omit<PaymentOperationInput, 'amount'>, how?: CommandOptions): Promise<PaymentResult> {
    return this.#operation('revert', operation, how);
  }

  /** Lets a payment go on that a risk rule holds. */
  release(operation: Omit<PaymentOperationInput, 'amount'>): Promise<PaymentResult> {
    return this.#operation('release', operation);
  }

  /** Lets a challenged payment go on. */
  confirm(confirmation: ConfirmationInput): Promise<PaymentResult> {
    return this.#single(
      (options) => encodeConfirmation(confirmation, options),
      (reply) => decodePayment(reply, 'confirm'),
    );
  }

  /** Undoes a payment, or the amount of it; one that has not come yet is declined when it comes. */
  cancelPayment(cancellation: CancellationInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#single(
      (options) => encodeCancellation(cancellation, { ...options, ...how }),
      (reply) => decodePayment(reply, 'cancelPayment'),
    );
  }

  lookupPayments(ids: readonly bigint[]): Promise<PaymentLookup[]> {
    return this.#batch((options) => encodeLookupPayments(ids, options), decodeLookupPayments);
  }

  /** Payments of the caller's institution, newest first. */
  queryPayments(query: PaymentQueryInput = {}): Promise<PaymentPage> {
    return this.#single((options) => encodeQueryPayments(query, options), decodeQueryPayments);
  }

  /** Registers a customer or merchant, or changes it. */
  putParty(party: PartyBody): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('putParty', party, options),
      (reply) => decodeRich(reply, 'putParty'),
    );
  }

  getParty(handle: string): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('getParty', { handle }, options),
      (reply) => decodeRich(reply, 'getParty'),
    );
  }

  /** Parties of the institution, newest first. `cursor` is `nextCursor` of the page before. */
  listParties({ cursor = 0, limit = PAGE_LIMIT_DEFAULT } = {}): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('listParties', { cursor, limit }, options),
      (reply) => decodeRich(reply, 'listParties'),
    );
  }

  putTariff(tariff: TariffBody): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('putTariff', tariff, options),
      (reply) => decodeRich(reply, 'putTariff'),
    );
  }

  putCampaign(campaign: CampaignBody): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('putCampaign', campaign, options),
      (reply) => decodeRich(reply, 'putCampaign'),
    );
  }

  /** Puts a rule set into force; without one, no rules look at payments from then on. */
  activateRules(body: ActivateRulesBody): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('activateRules', body, options),
      (reply) => decodeRich(reply, 'activateRules'),
    );
  }

  /** What the risk rules saw of a payment, and what they decided: `explanation`. */
  explainPayment(paymentId: bigint): Promise<RichResult> {
    return this.#single(
      (options) => encodeRich('explainPayment', { paymentId: formatId(paymentId) }, options),
      (reply) => decodeRich(reply, 'explainPayment'),
    );
  }

  /** Tells the risk rules what happened to payers outside of payments; results in the order of the signals. */
  reportSignals(signals: readonly SignalInput[]): Promise<Result[]> {
    return this.#batch((options) => encodeReportSignals(signals, options), decodeReportSignals);
  }

  /** What the risk rules are told at run time: the commands of registry-bodies.ts. */
  registry<C extends RegistryCommand>(command: C, body: RegistryBodies[C]): Promise<RegistryResult> {
    return this.#single(
      (options) => encodeRegistry(command, body, options),
      (reply) => decodeRegistry(reply, command),
    );
  }

  /** One page of the change stream of a partition. Most programs want `changes`. */
  readChanges(body: ReadChangesBody): Promise<ChangesResult> {
    return this.#single((options) => encodeRich('readChanges', body, options), decodeChanges);
  }

  /** What happens in a partition, from a cursor on: `for await (const change of client.changes({ from: 'now' })) …`. */
  changes(options: ChangesOptions = {}): ChangeStream {
    // The answer must be back before the client gives the request up.
    const waitMs = Math.min(LIMITS.changesWaitMsMax, Math.ceil(this.#requestTimeoutMs / 2));
    return new ChangeStream((body) => this.readChanges(body), options, waitMs);
  }

  /** Goes to the server and back; nothing is stored. */
  ping(): Promise<void> {
    return this.#batch(
      (options) => buildFrame('ping', options, { count: 0, bodyBytes: 0 }, () => {}),
      (reply) => {
        expectReply(reply, 'ping');
        expectEnd(reply, 0);
      },
    );
  }

  /** Ends the connection at once; calls without an answer reject. Resolves when the socket is closed. */
  close(): Promise<void> {
    return this.#calls.close();
  }

  #payment(command: PaymentCommand, payment: PaymentInput, how?: CommandOptions): Promise<PaymentResult> {
    return this.#single(
      (options) => encodePayment(command, payment, { ...options, ...how }),
      (reply) => decodePayment(reply, command),
    );
  }

  #operation(
    command: PaymentOperationCommand,
    operation: PaymentOperationInput,
    how?: CommandOptions,
  ): Promise<PaymentResult> {
    return this.#single(
      (options) => encodePaymentOperation(command, operation, { ...options, ...how }),
      (reply) => decodePayment(reply, command),
    );
  }

  /** A call with one result: when that says `later`, the call is made again. */
  #single<T extends Result>(encode: Encode, decode: (reply: Reply) => T): Promise<T> {
    return this.#calls.make(encode, decode, ({ retry }) => retry === 'later');
  }

  /** A call with many results, some of them perhaps `later`: which to send again is for the caller to say. */
  #batch<T>(encode: Encode, decode: (reply: Reply) => T): Promise<T> {
    return this.#calls.make(encode, decode, () => false);
  }
}
