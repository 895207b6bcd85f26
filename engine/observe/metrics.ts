/**
 * The figures at `/metrics`, in base units. Labels come from fixed tables only, never from requests: the number of
 * series is known when the switch starts. Hot paths report once per batch; what they touch is an array cell.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { RESULTS, resultName } from '../../protocol/results.ts';
import { INDEX_NAMES, type IndexName } from '../worker/state.ts';
import { type CardLinkFigures, registerCardLinks } from './card-link-metrics.ts';

export const TRANSPORTS = ['websocket', 'http'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** One batch, from its first record to the flush. */
export interface BatchFigures {
  readonly partition: number;
  readonly records: number;
  readonly bytes: number;
  /** Time in the state machine. */
  readonly decisionNs: number;
  /** From the append until it was durable. */
  readonly flushNs: number;
  /** Age of the oldest record when the batch was sealed. */
  readonly waitNs: number;
}

/** What a partition holds, as its worker last said. */
export interface PartitionFigures {
  readonly accounts: number;
  readonly openHolds: number;
  /** Transfers to other partitions that these have not confirmed. */
  readonly crossings: number;
  /** Credits less debits posted on each clearing account, minor units. */
  readonly clearing: readonly { readonly peer: number; readonly ledger: number; readonly posted: number }[];
  readonly journalBytes: number;
  readonly indexEntries: Readonly<Record<IndexName, number>>;
  /** Since the partition was opened. */
  readonly indexPageReads: number;
  readonly riskFeatures: {
    readonly keys: number;
    readonly evicted: number;
    readonly dropped: number;
    readonly waiting: number;
  };
  /** What other systems have to be told; `expired` is never told any more, ever since the partition was made. */
  readonly outbox: { readonly armed: number; readonly due: number; readonly bytes: number; readonly expired: number };
}

/** One webhook endpoint; its id is a label, and endpoints are few. */
export interface WebhookFigures {
  readonly endpoint: string;
  readonly deliveries: number;
  readonly failures: number;
  readonly lagBytes: number;
  readonly deadLetters: number;
}

export interface SwitchMetrics {
  /** Once per batch, after its flush. */
  batchDone(figures: BatchFigures): void;
  /** `count` records of a command ended with this result. Codes outside the table count as `internalError`. */
  outcome(command: CommandName, result: number, count: number): void;
  /** Batches that wait for a partition, the one being filled included. */
  queueDepth(partition: number, batches: number): void;
  /** A connection was opened (+1) or closed (−1). */
  connections(transport: TransportName, change: 1 | -1): void;
  /** Requests that were taken and not answered yet. */
  inFlight(requests: number): void;
  /** Admission or framing refused a request. */
  refusal(result: number): void;
  /** A connection was closed because its reader was too slow. */
  backpressureClose(): void;
  partitionFigures(partition: number, figures: PartitionFigures): void;
  checkpointDone(seconds: number): void;
  /** How webhook endpoints are: all that there are, at most ENDPOINTS_MAX. Totals are since the start. */
  webhooks(figures: readonly WebhookFigures[]): void;
  /** How links for card messages are: all that there are. */
  cardLinks(figures: readonly CardLinkFigures[]): void;
  /** The text that Prometheus reads. */
  expose(): Promise<string>;
  readonly contentType: string;
}

const NS = 1e-9;
const SECONDS = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 1, 2.5];
const CHECKPOINT_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
const RECORDS = [1, 4, 16, 64, 256, 1024, 2048, 4096, 8190, 16_384, 65_536];
const BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** Clearing accounts of a partition that are shown: ledgers are numbers that clients choose. */
const POSITIONS_MAX = 100;

/** Makes the registry of one switch; `withProcess` adds CPU, memory and event-loop figures of the process. */
export function createMetrics(partitions: number, withProcess = true): SwitchMetrics {
  const registry = new Registry();
  const registers = [registry];
  if (withProcess) collectDefaultMetrics({ register: registry });

  const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    new Histogram({ name, help, buckets: [...buckets], registers });
  const batchRecords = histogram('sluice_batch_records', 'Records in a decided batch.', RECORDS);
  const batchBytes = histogram('sluice_batch_bytes', 'Bytes of requests in a decided batch.', BYTES);
  const decision = histogram('sluice_decision_seconds', 'Time to decide a batch.', SECONDS);
  const flush = histogram('sluice_flush_seconds', 'Time from append until a batch was durable.', SECONDS);
  const wait = histogram('sluice_batch_wait_seconds', 'Age of the oldest record when its batch was sealed.', SECONDS);
  const checkpoint = histogram('sluice_checkpoint_seconds', 'Time to write a checkpoint.', CHECKPOINT_SECONDS);
  const slowReaders = new Counter({
    name: 'sluice_backpressure_closes_total',
    help: 'Connections closed because their reader was too slow.',
    registers,
  });

  const state = {
    queueDepth: new Float64Array(partitions),
    batches: new Float64Array(partitions),
    inFlight: 0,
    connections: { websocket: 0, http: 0 } satisfies Record<TransportName, number>,
    partitions: new Array<PartitionFigures | undefined>(partitions),
    outcomes: new TallyTable(Object.keys(COMMANDS)),
    refusals: new TallyTable(['']),
    webhooks: [] as readonly WebhookFigures[],
    cardLinks: [] as readonly CardLinkFigures[],
  };

  new Gauge({
    name: 'sluice_queue_depth_batches',
    help: 'Batches that wait for a partition.',
    labelNames: ['partition'],
    registers,
    collect() {
      for (const [partition, depth] of state.queueDepth.entries()) this.set({ partition }, depth);
    },
  });
  new Counter({
    name: 'sluice_batches_total',
    help: 'Batches decided and made durable.',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset();
      for (const [partition, batches] of state.batches.entries()) this.inc({ partition }, batches);
    },
  });
  new Gauge({
    name: 'sluice_connections',
    help: 'Open connections.',
    labelNames: ['transport'],
    registers,
    collect() {
      for (const transport of TRANSPORTS) this.set({ transport }, state.connections[transport]);
    },
  });
  new Gauge({
    name: 'sluice_in_flight',
    help: 'Requests that were taken and not answered yet.',
    registers,
    collect() {
      this.set(state.inFlight);
    },
  });
  const total = (name: string, help: string, of: (figures: PartitionFigures) => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(sum(state.partitions, of));
      },
    });
  total('sluice_accounts', 'Accounts.', (figures) => figures.accounts);
  total('sluice_crossings', 'Transfers between partitions that are under way.', (figures) => figures.crossings);
  new Gauge({
    name: 'sluice_clearing_position',
    help: 'What a partition owes another, minor units; both sides of a pair add up to what is under way.',
    labelNames: ['partition', 'peer', 'ledger'],
    registers,
    collect() {
      this.reset();
      for (const [partition, figures] of state.partitions.entries()) {
        for (const { peer, ledger, posted } of figures?.clearing.slice(0, POSITIONS_MAX) ?? [])
          this.set({ partition, peer, ledger }, posted);
      }
    },
  });
  total('sluice_open_holds', 'Pending transfers and open authorisations.', (figures) => figures.openHolds);
  total('sluice_journal_bytes', 'Bytes of the journal.', (figures) => figures.journalBytes);
  total('sluice_risk_keys', 'Keys by which risk rules count.', ({ riskFeatures }) => riskFeatures.keys);
  total(
    'sluice_risk_counts_waiting',
    'What was counted for other partitions, and these have not confirmed.',
    ({ riskFeatures }) => riskFeatures.waiting,
  );
  total(
    'sluice_risk_evicted',
    'Keys of risk rules that made room for others.',
    ({ riskFeatures }) => riskFeatures.evicted,
  );
  total('sluice_risk_dropped', 'Counts of risk rules that found no room.', ({ riskFeatures }) => riskFeatures.dropped);
  registerOutbox(registers, () => state.partitions);
  new Gauge({
    name: 'sluice_index_entries',
    help: 'Entries of an index, in memory and in segments.',
    labelNames: ['index'],
    registers,
    collect() {
      for (const index of INDEX_NAMES) {
        this.set(
          { index },
          sum(state.partitions, (figures) => figures.indexEntries[index]),
        );
      }
    },
  });
  new Counter({
    name: 'sluice_index_page_reads_total',
    help: 'Pages of index segments that look-ups had to read. New time-ordered ids need none.',
    registers,
    collect() {
      this.reset();
      this.inc(sum(state.partitions, (figures) => figures.indexPageReads));
    },
  });
  new Counter({
    name: 'sluice_outcomes_total',
    help: 'Decided records by command and result.',
    labelNames: ['command', 'result'],
    registers,
    collect() {
      this.reset();
      for (const [command, result, count] of state.outcomes.entries()) this.inc({ command, result }, count);
    },
  });
  new Counter({
    name: 'sluice_refusals_total',
    help: 'Requests refused before they were decided, by result.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [, result, count] of state.refusals.entries()) this.inc({ result }, count);
    },
  });

  registerWebhooks(registers, () => state.webhooks);
  registerCardLinks(registers, () => state.cardLinks);

  return {
    batchDone(figures) {
      state.batches[figures.partition] = (state.batches[figures.partition] ?? 0) + 1;
      batchRecords.observe(figures.records);
      batchBytes.observe(figures.bytes);
      decision.observe(figures.decisionNs * NS);
      flush.observe(figures.flushNs * NS);
      wait.observe(figures.waitNs * NS);
    },
    outcome: (command, result, count) => state.outcomes.add(command, result, count),
    queueDepth(partition, batches) {
      state.queueDepth[partition] = batches;
    },
    connections(transport, change) {
      state.connections[transport] += change;
    },
    inFlight(requests) {
      state.inFlight = requests;
    },
    refusal: (result) => state.refusals.add('', result, 1),
    backpressureClose: () => slowReaders.inc(),
    partitionFigures(partition, figures) {
      if (partition < partitions) state.partitions[partition] = figures;
    },
    checkpointDone: (seconds) => checkpoint.observe(seconds),
    webhooks(figures) {
      state.webhooks = figures;
    },
    cardLinks(figures) {
      state.cardLinks = figures;
    },
    expose: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function registerOutbox(registers: Registry[], figures: () => readonly (PartitionFigures | undefined)[]): void {
  new Gauge({
    name: 'sluice_outbox_entries',
    help: 'What other systems have to be told: armed ones wait to be due.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const name of ['armed', 'due'] as const)
        this.set(
          { state: name },
          sum(figures(), ({ outbox }) => outbox[name]),
        );
    },
  });
  new Gauge({
    name: 'sluice_outbox_bytes',
    help: 'Bytes of what other systems have to be told.',
    registers,
    collect() {
      this.set(sum(figures(), ({ outbox }) => outbox.bytes));
    },
  });
  new Counter({
    name: 'sluice_outbox_expired_total',
    help: 'Entries whose time ended before they were removed: what they say may not have been heard.',
    registers,
    collect() {
      this.reset();
      this.inc(sum(figures(), ({ outbox }) => outbox.expired));
    },
  });
}

function registerWebhooks(registers: Registry[], figures: () => readonly WebhookFigures[]): void {
  const labelNames = ['endpoint'];
  const totals = {
    sluice_webhook_deliveries_total: ['Webhook deliveries that their receiver took.', 'deliveries'],
    sluice_webhook_failures_total: ['Attempts to deliver a webhook that failed.', 'failures'],
  } as const;
  for (const [name, [help, field]] of Object.entries(totals)) {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const one of figures()) this.inc({ endpoint: one.endpoint }, one[field]);
      },
    });
  }
  const gauges = {
    sluice_webhook_lag_bytes: ['Journal that a webhook endpoint has not been through.', 'lagBytes'],
    sluice_webhook_dead_letters: ['Deliveries on the dead-letter list of a webhook endpoint.', 'deadLetters'],
  } as const;
  for (const [name, [help, field]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const one of figures()) this.set({ endpoint: one.endpoint }, one[field]);
      },
    });
  }
}

function sum(figures: readonly (PartitionFigures | undefined)[], of: (figures: PartitionFigures) => number): number {
  let total = 0;
  for (const one of figures) total += one === undefined ? 0 : of(one);
  return total;
}

/** Counts by row and result code in one array; read out only when someone scrapes. */
class TallyTable {
  private readonly rows: readonly string[];
  private readonly rowOf: ReadonlyMap<string, number>;
  private readonly counts: Float64Array;

  constructor(rows: readonly string[]) {
    this.rows = rows;
    this.rowOf = new Map(rows.map((row, index) => [row, index]));
    this.counts = new Float64Array(rows.length * CODES_MAX);
  }

  add(row: string, code: number, count: number): void {
    const index = this.rowOf.get(row);
    if (index === undefined) return;
    const known = code < CODES_MAX && resultName(code) !== undefined ? code : RESULTS.internalError.code;
    const cell = index * CODES_MAX + known;
    this.counts[cell] = (this.counts[cell] ?? 0) + count;
  }

  /** Row, result name and count of each cell that is not zero. */
  *entries(): Generator<readonly [row: string, result: string, count: number]> {
    for (const [cell, count] of this.counts.entries()) {
      if (count === 0) continue;
      const row = this.rows[Math.floor(cell / CODES_MAX)] ?? '';
      yield [row, resultName(cell % CODES_MAX) ?? 'internalError', count];
    }
  }
}

/** Result codes have three digits. */
const CODES_MAX = 1100;
