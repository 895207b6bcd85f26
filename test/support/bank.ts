/** Several partitions as they run in the engine, with lanes, router and clearing house, but over Maps and journals in memory. */
import { CodeGate } from '../../engine/admission/code-gate.ts';
import { ProofGate, SharedKeyProofs } from '../../engine/admission/proofs.ts';
import { type CommandEnvelope, call, type Gateway, type ReplySink } from '../../engine/gateway.ts';
import { partitionOfAccount } from '../../engine/hash-id.ts';
import { OrderGate } from '../../engine/order/order-gate.ts';
import { RiskGate } from '../../engine/risk/risk-gate.ts';
import { ClearingHouse } from '../../engine/router/clearing-house.ts';
import { Lane } from '../../engine/router/lane.ts';
import { Router } from '../../engine/router/router.ts';
import { Scatter } from '../../engine/router/scatter.ts';
import { Batch, batchBytes, DEFAULT_BOUNDS } from '../../engine/worker/batch.ts';
import { ClearingKinds } from '../../engine/worker/clearing-commands.ts';
import type { CampaignBody, TariffBody } from '../../protocol/bodies.ts';
import { challengeText } from '../../protocol/challenge.ts';
import { decodeLookupAccounts, encodeLookupAccounts } from '../../protocol/codecs/account-codec.ts';
import {
  type CardInput,
  type CardLookup,
  type CardUseInput,
  decodeLookupCards,
  decodePutCards,
  decodeUseCards,
  encodeLookupCards,
  encodePutCards,
  encodeUseCards,
} from '../../protocol/codecs/card-codec.ts';
import { openReply } from '../../protocol/codecs/frame-codec.ts';
import { decodeAccountHistory, encodeAccountHistory, type HistoryPage } from '../../protocol/codecs/history-codec.ts';
import {
  decodePayment,
  encodeConfirmation,
  type PaymentCommand,
  type PaymentOperationCommand,
  type PaymentOperationInput,
  type PaymentResult,
} from '../../protocol/codecs/payment-codec.ts';
import {
  decodeLookupPayments,
  encodeLookupPayments,
  type PaymentLookup,
} from '../../protocol/codecs/payment-query-codec.ts';
import {
  type CodeDeviceInput,
  type CodeDeviceLookup,
  decodeIssueCodes,
  decodeLookupCodeDevices,
  decodeLookupCodes,
  decodePutCodeDevice,
  encodeIssueCodes,
  encodeLookupCodeDevices,
  encodeLookupCodes,
  encodePutCodeDevice,
  type PayerCodeInput,
  type PayerCodeLookup,
} from '../../protocol/codecs/payer-code-codec.ts';
import { decodeRegistry, encodeRegistry, type RegistryResult } from '../../protocol/codecs/registry-codec.ts';
import { decodeRich, encodeRich, type RichResult } from '../../protocol/codecs/rich-codec.ts';
import { decodeReportSignals, encodeReportSignals, type SignalInput } from '../../protocol/codecs/risk-codec.ts';
import type { ChainEnded } from '../../protocol/codecs/transfer-codec.ts';
import { COMMANDS, commandOfKind } from '../../protocol/commands.ts';
import { FrameFlags } from '../../protocol/frame.ts';
import { formatId } from '../../protocol/ids.ts';
import type { RegistryBodies, RegistryCommand } from '../../protocol/registry-bodies.ts';
import { resultName } from '../../protocol/results.ts';
import {
  accountsRequest,
  type CodelessByCode,
  type CodelessPayment,
  endChainRequest,
  framed,
  operationRequest,
  paymentRequest,
  type RawAccount,
  type RawChainEnd,
  type RawTransfer,
  type Request,
  reply,
  START,
  transfersRequest,
} from './desk.ts';
import { type MemoryPartition, memoryPartition } from './memory-partition.ts';

const BATCHES = 12;
/** As in the engine: the largest message fits, and hardly more. */
const BOUNDS = { ...DEFAULT_BOUNDS, journalBytesMax: 2 * 1024 * 1024 };
const ID = { requestId: 1 };

/** Whatever partitions say to each other is said twice, and answered twice. */
const ECHO_TURNS_MAX = 6;

class EchoingLane extends Lane {
  #turns = 0;

  override submit(...request: Parameters<Lane['submit']>): number {
    const [envelope, body, sink] = request;
    const { kind } = envelope;
    const isMessage = kind >= ClearingKinds.receiveCrossings && kind <= ClearingKinds.collectPart;
    const isCounted = kind === ClearingKinds.receiveCounts || kind === ClearingKinds.confirmCounts;
    if (isMessage || isCounted) this.#echo({ ...envelope }, body.slice(), sink, this.#turns++ % ECHO_TURNS_MAX);
    return super.submit(...request);
  }

  /** Some come at once, some when the rest has gone on. */
  #echo(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink, turns: number): void {
    if (turns === 0) super.submit(envelope, body, sink);
    else setImmediate(() => this.#echo(envelope, body, sink, turns - 1));
  }
}

export class Bank {
  readonly partitions: readonly MemoryPartition[];
  /** µs. */
  now = START;
  /** Batches that may still be decided: at 0 the power is gone. */
  fuel = Number.POSITIVE_INFINITY;
  /** By command and result: how often it was counted. */
  readonly outcomes = new Map<string, number>();
  readonly lanes: readonly Lane[];
  readonly #router: Router;
  readonly #gate: Gateway;
  /** Makes the proofs of payers. */
  readonly proofs = new SharedKeyProofs(Buffer.from('a key for tests'));

  /**
   * @param before partitions of a bank that stopped: opened again from their journals
   * @param echoes whether messages between partitions come twice
   */
  constructor(count: number, before?: readonly MemoryPartition[], echoes = false) {
    const LaneOf = echoes ? EchoingLane : Lane;
    this.partitions = Array.from({ length: count }, (_, partition) =>
      memoryPartition({ partition, partitions: count }, before?.[partition]?.journal),
    );
    const clearing = new ClearingHouse(count);
    const lanes = this.partitions.map(({ partition }, index) => {
      const batches = Array.from({ length: BATCHES }, () => new Batch(buffer(), BOUNDS));
      return new LaneOf({
        batches,
        clock: () => this.now,
        clearing: clearing.port(index),
        run: (slot, timestamp) => {
          if (this.fuel <= 0) return new Promise(() => undefined);
          this.fuel--;
          return partition.run(batches[slot] as Batch, timestamp);
        },
        observer: {
          batchDone: (result) => {
            for (const [kind, code, count] of result.outcomes) {
              const name = `${commandOfKind(kind)} ${resultName(code)}`;
              this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + count);
            }
          },
          queueDepth: () => undefined,
          failed: (error) => {
            throw error;
          },
        },
      });
    });
    this.lanes = lanes;
    clearing.connect(lanes);
    this.#router = new Router(lanes, new Scatter(lanes), clearing);
    const proven = new ProofGate(new RiskGate(this.#router, () => this.now), this.proofs);
    const ordered = new OrderGate(proven, () => this.now);
    this.#gate = new CodeGate(ordered, count, Buffer.from('a key of codes for tests'));
  }

  /** For adapters. */
  get gateway(): Gateway {
    return this.#gate;
  }

  homeOf(id: bigint): number {
    const word = (shift: bigint): number => Number((id >> shift) & 0xffff_ffffn);
    return partitionOfAccount(word(0n), word(32n), word(64n), word(96n), this.partitions.length);
  }

  async ask({ institution, name, flags, count, body }: Request): Promise<Uint8Array> {
    const answer = await call(this.#gate, { kind: COMMANDS[name].kind, flags, count, institution }, body);
    if (typeof answer === 'number') throw new Error(`not taken: ${resultName(answer)}`);
    return answer;
  }

  /** As `ask`, past the gates: as what they let through. */
  async askPartitions({ institution, name, flags, count, body }: Request): Promise<Uint8Array> {
    const answer = await call(this.#router, { kind: COMMANDS[name].kind, flags, count, institution }, body);
    if (typeof answer === 'number') throw new Error(`not taken: ${resultName(answer)}`);
    return answer;
  }

  async accounts(institution: number, ...items: RawAccount[]): Promise<string[]> {
    return reply.accounts(await this.ask(accountsRequest(institution, items))).map(({ name }) => name);
  }

  async results(institution: number, ...items: RawTransfer[]) {
    return reply.transfers(await this.ask(transfersRequest(institution, items, FrameFlags.balances)));
  }

  async transfers(institution: number, ...items: RawTransfer[]): Promise<string[]> {
    return (await this.results(institution, ...items)).map(({ name }) => name);
  }

  async endChain(institution: number, item: RawChainEnd): Promise<ChainEnded> {
    return reply.chain(await this.ask(endChainRequest(institution, item)));
  }

  async pay(
    institution: number,
    name: PaymentCommand,
    payment: CodelessPayment | CodelessByCode,
  ): Promise<PaymentResult> {
    return reply.payment(await this.ask(paymentRequest(institution, name, payment)), name);
  }

  async putCards(institution: number, ...cards: CardInput[]): Promise<string[]> {
    const frame = await this.ask(framed(institution, encodePutCards(cards, ID)));
    return decodePutCards(openReply(frame)).map(({ name }) => name);
  }

  async lookupCards(institution: number, ...tokens: bigint[]): Promise<CardLookup[]> {
    return decodeLookupCards(openReply(await this.ask(framed(institution, encodeLookupCards(tokens, ID)))));
  }

  async useCards(institution: number, ...uses: CardUseInput[]): Promise<CardLookup[]> {
    return decodeUseCards(openReply(await this.ask(framed(institution, encodeUseCards(uses, ID)))));
  }

  async issueCodes(institution: number, ...codes: PayerCodeInput[]): Promise<PayerCodeLookup[]> {
    return decodeIssueCodes(openReply(await this.ask(framed(institution, encodeIssueCodes(codes, ID)))));
  }

  async lookupCodes(institution: number, ...tokens: bigint[]): Promise<PayerCodeLookup[]> {
    return decodeLookupCodes(openReply(await this.ask(framed(institution, encodeLookupCodes(tokens, ID)))));
  }

  async putCodeDevice(institution: number, device: CodeDeviceInput): Promise<CodeDeviceLookup> {
    return decodePutCodeDevice(openReply(await this.ask(framed(institution, encodePutCodeDevice(device, ID)))));
  }

  async lookupCodeDevices(institution: number, ...tokens: bigint[]): Promise<CodeDeviceLookup[]> {
    return decodeLookupCodeDevices(openReply(await this.ask(framed(institution, encodeLookupCodeDevices(tokens, ID)))));
  }

  async operate(
    institution: number,
    name: PaymentOperationCommand,
    operation: PaymentOperationInput,
  ): Promise<PaymentResult> {
    return reply.payment(await this.ask(operationRequest(institution, name, operation)), name);
  }

  async lookupPayments(institution: number, ...ids: bigint[]): Promise<PaymentLookup[]> {
    return decodeLookupPayments(openReply(await this.ask(framed(institution, encodeLookupPayments(ids, ID)))));
  }

  async putTariff(institution: number, body: TariffBody): Promise<number> {
    const frame = await this.ask(framed(institution, encodeRich('putTariff', body, ID)));
    return decodeRich(openReply(frame), 'putTariff').code;
  }

  async registry<C extends RegistryCommand>(
    institution: number,
    command: C,
    body: RegistryBodies[C],
  ): Promise<RegistryResult> {
    const frame = await this.ask(framed(institution, encodeRegistry(command, body, ID)));
    return decodeRegistry(openReply(frame), command);
  }

  async activateRules(institution: number, ruleSet?: Readonly<Record<string, unknown>>): Promise<RichResult> {
    const frame = encodeRich('activateRules', ruleSet === undefined ? {} : { ruleSet }, ID);
    return decodeRich(openReply(await this.ask(framed(institution, frame))), 'activateRules');
  }

  async explainPayment(institution: number, id: bigint): Promise<RichResult> {
    const frame = encodeRich('explainPayment', { paymentId: formatId(id) }, ID);
    return decodeRich(openReply(await this.ask(framed(institution, frame))), 'explainPayment');
  }

  /** Names of the results. */
  async signals(institution: number, ...signals: SignalInput[]): Promise<string[]> {
    const frame = await this.ask(framed(institution, encodeReportSignals(signals, ID)));
    return decodeReportSignals(openReply(frame)).map(({ name }) => name);
  }

  /** Confirms with the proof of the payment as it stands, or with another. */
  async confirm(institution: number, id: bigint, paymentId: bigint, proof?: Uint8Array): Promise<PaymentResult> {
    const [found] = await this.lookupPayments(1, paymentId);
    const { payment, status } = found?.view ?? {};
    const made =
      payment === undefined || status === undefined
        ? new Uint8Array(1)
        : this.proofs.prove(challengeText({ ...payment, ...status }));
    const frame = encodeConfirmation({ id, paymentId, proof: proof ?? made }, ID);
    return decodePayment(openReply(await this.ask(framed(institution, frame))), 'confirm');
  }

  async putCampaign(institution: number, body: CampaignBody): Promise<number> {
    const frame = await this.ask(framed(institution, encodeRich('putCampaign', body, ID)));
    return decodeRich(openReply(frame), 'putCampaign').code;
  }

  /** [debits pending, debits posted, credits pending, credits posted] */
  async balances(id: bigint): Promise<number[]> {
    const frame = await this.ask(framed(1, encodeLookupAccounts([id], ID)));
    const [found] = decodeLookupAccounts(openReply(frame));
    if (found?.account === undefined) throw new Error(`no account ${id}`);
    const { debitsPending, debitsPosted, creditsPending, creditsPosted } = found.account;
    return [debitsPending, debitsPosted, creditsPending, creditsPosted].map(Number);
  }

  async history(institution: number, accountId: bigint): Promise<HistoryPage> {
    return decodeAccountHistory(
      openReply(await this.ask(framed(institution, encodeAccountHistory({ accountId, limit: 100 }, ID)))),
    );
  }

  /** Lets time pass, and everything that it sets off come to rest. */
  async pass(seconds: number): Promise<void> {
    this.now += seconds * 1_000_000;
    this.#router.tick();
    await this.rest();
  }

  /** Resolves when nothing is under way. The bank takes nothing more afterwards only when `stop` is what is wanted. */
  async rest(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#router.isIdle ? quiet + 1 : 0;
    }
  }
}

function buffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(batchBytes(BOUNDS));
}
