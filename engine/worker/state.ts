/** Everything that a partition keeps in memory, wired together. Used by the partition's thread, by verify and by tests. */
import { Cards } from '../card/cards.ts';
import { Entities } from '../entity/entities.ts';
import { Accounts } from '../ledger/accounts.ts';
import type { EventSource } from '../ledger/events.ts';
import { EventLog } from '../ledger/events.ts';
import { Holds } from '../ledger/holds.ts';
import type { KeyIndex } from '../ledger/key-index.ts';
import type { PartitionPlace } from '../ledger/ledger.ts';
import { Ledger } from '../ledger/ledger.ts';
import { ResultWriter } from '../ledger/results.ts';
import { Timers } from '../ledger/timers.ts';
import { Orders } from '../order/orders.ts';
import { Outbox } from '../outbox/outbox.ts';
import { Payments } from '../payment/payments.ts';
import { Histories } from '../query/histories.ts';
import { Transfers } from '../query/transfers.ts';
import type { FeatureBounds } from '../risk/features.ts';
import { Registry } from '../risk/registry.ts';
import { Risk, RiskState } from '../risk/risk.ts';
import { RuleSets } from '../risk/rule-sets.ts';
import { Rehearsal } from './rehearsal.ts';

/** Names are stored in checkpoints: never rename one. */
export const INDEX_NAMES = [
  'transfers',
  'resolutions',
  'payments',
  'operations',
  'references',
  'entities',
  'histories',
  'changes',
] as const;
export type IndexName = (typeof INDEX_NAMES)[number];
export type Indexes = Readonly<Record<IndexName, KeyIndex>>;

/** What the risk rules count: keys of one table, and buckets of one feature. */
type RiskBounds = Pick<FeatureBounds, 'subjectsMax' | 'cellsMax'>;
/** About 400 MB when all are used up. */
const RISK_BOUNDS: RiskBounds = { subjectsMax: 1_000_000, cellsMax: 8_000_000 };

export interface StateOptions extends PartitionPlace {
  readonly hashSeed: number;
  readonly accountsMax: number;
  readonly holdsMax: number;
  /** Absent = those of production. */
  readonly riskBounds?: RiskBounds;
}

export class PartitionState {
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly payments: Payments;
  /** What risk rules are in force, and what they count. */
  readonly risk: RiskState;
  readonly ruleSets: RuleSets;
  readonly registry: Registry;
  readonly cards: Cards;
  readonly orders: Orders;
  /** What other systems have to be told. */
  readonly outbox: Outbox;
  readonly transfers: Transfers;
  readonly histories: Histories;
  readonly events: EventLog;
  /** Where results of messages with many records are written. */
  readonly results = new ResultWriter();
  /** Decides dry runs. */
  readonly rehearsal: Rehearsal;

  constructor(options: StateOptions, source: EventSource, indexes: Indexes) {
    const { hashSeed, accountsMax, holdsMax } = options;
    this.events = new EventLog(source);
    const accounts = new Accounts({ capacityMax: accountsMax, hashSeed });
    const holds = new Holds({ capacityMax: holdsMax, hashSeed });
    const { transfers, resolutions, payments, operations, references, entities, histories, changes } = indexes;
    const timers = new Timers();
    const tables = { accounts, holds, timers, transfers, resolutions, histories, changes, events: this.events };
    this.ledger = new Ledger(tables, options);
    this.entities = new Entities(this.ledger, entities);
    this.cards = new Cards(this.ledger, { cards: entities, uses: changes });
    this.orders = new Orders(this.ledger, this.entities);
    this.outbox = new Outbox(this.ledger, this.entities);
    this.registry = new Registry(this.ledger, this.entities, hashSeed);
    this.risk = new RiskState({ ...(options.riskBounds ?? RISK_BOUNDS), hashSeed, place: options }, this.registry);
    const risk = new Risk(this.risk, this.ledger);
    this.payments = new Payments(this.ledger, this.entities, { payments, operations, references }, risk);
    this.ruleSets = new RuleSets(this.risk, this.entities, this.events);
    this.transfers = new Transfers(this.events, options.partition);
    this.histories = new Histories(this.ledger, this.transfers);
    this.rehearsal = new Rehearsal(this, options);
  }
}
