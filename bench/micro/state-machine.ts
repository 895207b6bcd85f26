/** A partition's state without thread, journal and network, for one batch at a time. */

import { createAccounts } from '../../engine/ledger/create-accounts.ts';
import { createTransfers } from '../../engine/ledger/create-transfers.ts';
import { ResultWriter } from '../../engine/ledger/results.ts';
import { createPayment, paymentRequest } from '../../engine/payment/create.ts';
import { defaultRuleSet } from '../../engine/risk/read-rule-file.ts';
import { Outcomes } from '../../engine/risk/rule-set.ts';
import { KeyIndex } from '../../engine/storage/index/key-index.ts';
import { DEFAULT_BOUNDS } from '../../engine/worker/batch.ts';
import { PartitionState } from '../../engine/worker/state.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { formatId } from '../../protocol/ids.ts';
import { ACCOUNT, AccountFlags, PaymentStates, RESULT } from '../../protocol/records.ts';
import { type BenchAccount, benchAccounts, LEDGER } from '../accounts.ts';
import type { Group, TrafficSpec } from '../load/jobs.ts';
import { Random } from '../load/random.ts';
import { makeTraffic, type Traffic } from '../load/traffic.ts';

const INSTITUTION = 1;
const HASH_SEED = 0x5eed;
const MEMTABLE_BOUND = 1_000_000;
const PAYERS = 10_000;
const MERCHANTS = 1000;
const TARIFF = 1;
const PAYER_MONEY = 10_000_000_000;

export class StateMachine {
  readonly #payers = benchAccounts(PAYERS, 1).flat();
  readonly #merchants = benchAccounts(MERCHANTS, 1, PAYERS).flat();
  readonly #houses = benchAccounts(2, 1, PAYERS + MERCHANTS).flat();
  readonly #results = new ResultWriter();
  readonly #reply = new Uint32Array(DEFAULT_BOUNDS.replyBytesMax >> 2);
  readonly #buffer = new ArrayBuffer(DEFAULT_BOUNDS.journalBytesMax);
  readonly #random = new Random(HASH_SEED);
  #lsn = 0;
  #entries = 0;
  readonly #hasRules: boolean;
  #state: PartitionState;

  /** @param hasRules whether the default risk rules are in force */
  constructor(hasRules: boolean) {
    this.#hasRules = hasRules;
    this.#state = this.#fresh();
  }

  /** Requests between the accounts of this state. */
  traffic(type: 'transfers' | 'sales', records: number): Traffic {
    const payers = this.#payers.map(({ words }) => words);
    const payees = type === 'sales' ? this.#merchants.map(({ words }) => words) : payers;
    const groups: Group[] = [{ payers, payees }];
    const common = { ledger: LEDGER, groups, distribution: 'uniform' } as const;
    const spec: TrafficSpec = type === 'sales' ? { type, ...common } : { type, records, crossing: 0, ...common };
    return makeTraffic(spec, this.#random);
  }

  /** Makes room for a batch that puts at most `entries` into an index: begins anew when there is none. */
  prepare(entries: number): void {
    this.#entries += entries;
    if (this.#entries > MEMTABLE_BOUND - PAYERS - MERCHANTS) {
      this.#state = this.#fresh();
      this.#entries = entries;
    }
    this.#startBatch(this.#state);
  }

  /** Decides a createTransfers message whose first record stands at word `start`. */
  transfers(words: Uint32Array, start: number, count: number): void {
    this.#results.target(this.#reply, 0, false);
    createTransfers(this.#state.ledger, { words, start, count, institution: INSTITUTION }, this.#results);
  }

  /** Has the default risk rules look at the sale at word `at`, and counts it: the part of a sale that the rules cost. */
  assess(words: Uint32Array, at: number): void {
    const { risk } = this.#state.payments;
    const payer = 0;
    risk.describe(paymentRequest(words, at, INSTITUTION, true), payer);
    if (risk.assess(payer) !== Outcomes.approve) throw new Error('a rule hit an ordinary payment');
    risk.count(PaymentStates.captured);
  }

  /** Decides one sale. */
  sale(words: Uint32Array, at: number): void {
    const reply = { words: this.#reply, at: 0 };
    createPayment(this.#state.payments, paymentRequest(words, at, INSTITUTION, true), reply);
  }

  /** Code of the answer at a place of the reply: a bench that measures refusals would be worthless. */
  codeAt(index: number): number {
    return (this.#reply[index * (RESULT.size >> 2) + (RESULT.at.code >> 2)] as number) & 0xffff;
  }

  #fresh(): PartitionState {
    const index = (): KeyIndex => new KeyIndex({ memtableBound: MEMTABLE_BOUND, hashSeed: HASH_SEED });
    const state = new PartitionState(
      { partition: 0, partitions: 1, hashSeed: HASH_SEED, accountsMax: 20_000, holdsMax: 1000 },
      { read: () => ({ bytes: new Uint8Array(this.#buffer), offset: 0 }) },
      {
        transfers: index(),
        resolutions: index(),
        payments: index(),
        operations: index(),
        references: index(),
        entities: index(),
        histories: index(),
        changes: index(),
      },
    );
    if (this.#hasRules) state.risk.activate(defaultRuleSet(), 1);
    this.#lsn = 0;
    this.#startBatch(state);
    this.#open(state, this.#payers, 0, 0);
    this.#open(state, this.#houses, 0, 0);
    const [treasury, fees] = this.#houses;
    if (treasury === undefined || fees === undefined) throw new Error('there are no house accounts');
    const tariff = { number: TARIFF, basisPoints: 60, fixed: 0, minimum: 1, maximum: 0 };
    state.entities.putTariff(INSTITUTION, { ...tariff, feeAccountId: formatId(fees.id) });
    this.#open(state, this.#merchants, 0, TARIFF);
    const { creditsPosted, flags } = state.ledger.accounts;
    // Money from nowhere: this state never meets an auditor.
    for (let account = 0; account < PAYERS; account++) {
      creditsPosted[account] = PAYER_MONEY;
      flags[account] = AccountFlags.debitsMustNotExceedCredits;
    }
    return state;
  }

  #open(state: PartitionState, accounts: readonly BenchAccount[], flags: number, tariff: number): void {
    const body = new ArrayBuffer(accounts.length * ACCOUNT.size);
    const view = new DataView(body);
    accounts.forEach(({ words }, index) => {
      const at = index * ACCOUNT.size;
      words.forEach((word, place) => {
        view.setUint32(at + place * 4, word, true);
      });
      view.setUint32(at + ACCOUNT.at.ledger, LEDGER, true);
      view.setUint16(at + ACCOUNT.at.code, 1, true);
      view.setUint16(at + ACCOUNT.at.flags, flags, true);
      view.setUint16(at + ACCOUNT.at.tariff, tariff, true);
    });
    const words = new Uint32Array(body);
    this.#results.target(this.#reply, 0, false);
    const message = { words, start: 0, count: accounts.length, institution: INSTITUTION };
    createAccounts(state.ledger, message, this.#results);
  }

  #startBatch(state: PartitionState): void {
    state.ledger.now = Math.floor((performance.timeOrigin + performance.now()) * 1000);
    state.events.start(this.#buffer, this.#lsn);
    this.#lsn += this.#buffer.byteLength >> 4;
  }
}

/** Word of the first record of a payload. */
export const FIRST_RECORD = FRAME_HEADER.size >> 2;
