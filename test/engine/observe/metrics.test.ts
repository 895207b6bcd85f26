import { describe, expect, it } from 'vitest';
import { createMetrics, TRANSPORTS } from '../../../engine/observe/metrics.ts';
import { INDEX_NAMES } from '../../../engine/worker/state.ts';
import { COMMANDS } from '../../../protocol/commands.ts';
import { Code, RESULTS } from '../../../protocol/results.ts';

const NAMES = [
  'sluice_accounts',
  'sluice_backpressure_closes_total',
  'sluice_batch_bytes',
  'sluice_batch_records',
  'sluice_batch_wait_seconds',
  'sluice_batches_total',
  'sluice_card_link_events_total',
  'sluice_card_link_open',
  'sluice_card_messages_total',
  'sluice_checkpoint_seconds',
  'sluice_clearing_position',
  'sluice_connections',
  'sluice_crossings',
  'sluice_decision_seconds',
  'sluice_flush_seconds',
  'sluice_in_flight',
  'sluice_index_entries',
  'sluice_index_page_reads_total',
  'sluice_journal_bytes',
  'sluice_open_holds',
  'sluice_outbox_bytes',
  'sluice_outbox_entries',
  'sluice_outbox_expired_total',
  'sluice_outcomes_total',
  'sluice_queue_depth_batches',
  'sluice_refusals_total',
  'sluice_risk_counts_waiting',
  'sluice_risk_dropped',
  'sluice_risk_evicted',
  'sluice_risk_keys',
  'sluice_webhook_dead_letters',
  'sluice_webhook_deliveries_total',
  'sluice_webhook_failures_total',
  'sluice_webhook_lag_bytes',
];

const outbox = { armed: 1, due: 2, bytes: 3, expired: 4 };
const riskFeatures = { keys: 1, evicted: 2, dropped: 3, waiting: 4 };
const indexEntries = {
  transfers: 5,
  resolutions: 0,
  payments: 1,
  operations: 0,
  references: 0,
  entities: 2,
  histories: 0,
  changes: 0,
};

describe('metrics', () => {
  it('have these names, in base units', async () => {
    const text = await createMetrics(2, false).expose();
    expect([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name).sort()).toEqual(NAMES);
  });

  it('add figures of the process when asked', async () => {
    expect(await createMetrics(1).expose()).toContain('process_resident_memory_bytes');
  });

  it('count a batch once, in seconds', async () => {
    const metrics = createMetrics(2, false);
    metrics.batchDone({ partition: 1, records: 8190, bytes: 1_048_320, decisionNs: 4e6, flushNs: 2e6, waitNs: 5e5 });
    const text = await metrics.expose();
    expect(text).toContain('sluice_batches_total{partition="1"} 1');
    expect(text).toContain('sluice_batches_total{partition="0"} 0');
    expect(text).toContain('sluice_batch_records_sum 8190');
    expect(text).toContain('sluice_batch_bytes_sum 1048320');
    expect(text).toMatch(/sluice_decision_seconds_sum 0\.004/);
    expect(text).toMatch(/sluice_flush_seconds_sum 0\.002/);
    expect(text).toMatch(/sluice_batch_wait_seconds_bucket\{le="0\.0005"\} 1/);
  });

  it('show the newest state, summed over partitions', async () => {
    const metrics = createMetrics(2, false);
    metrics.queueDepth(1, 3);
    metrics.inFlight(17);
    metrics.connections('websocket', 1);
    metrics.connections('websocket', 1);
    metrics.connections('websocket', -1);
    metrics.backpressureClose();
    metrics.checkpointDone(2);
    const rest = {
      crossings: 2,
      clearing: [{ peer: 1, ledger: 156, posted: -7 }],
      indexEntries,
      indexPageReads: 3,
      riskFeatures,
      outbox,
    };
    metrics.partitionFigures(0, { accounts: 10, openHolds: 1, journalBytes: 100, ...rest, indexPageReads: 4 });
    metrics.partitionFigures(1, { accounts: 5, openHolds: 2, journalBytes: 50, ...rest, clearing: [] });
    const text = await metrics.expose();
    for (const line of [
      'sluice_queue_depth_batches{partition="1"} 3',
      'sluice_in_flight 17',
      'sluice_connections{transport="websocket"} 1',
      'sluice_backpressure_closes_total 1',
      'sluice_checkpoint_seconds_sum 2',
      'sluice_accounts 15',
      'sluice_open_holds 3',
      'sluice_crossings 4',
      'sluice_clearing_position{partition="0",peer="1",ledger="156"} -7',
      'sluice_journal_bytes 150',
      'sluice_index_entries{index="transfers"} 10',
      'sluice_index_page_reads_total 7',
      'sluice_risk_keys 2',
      'sluice_risk_evicted 4',
      'sluice_risk_dropped 6',
      'sluice_risk_counts_waiting 8',
      'sluice_outbox_entries{state="armed"} 2',
      'sluice_outbox_entries{state="due"} 4',
      'sluice_outbox_bytes 6',
      'sluice_outbox_expired_total 8',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('show links for card messages as they are', async () => {
    const metrics = createMetrics(1, false);
    const link = { link: 'acq', isOpen: true, sent: new Map([['0210', 2]]), events: { timeouts: 4 } };
    metrics.cardLinks([{ ...link, received: new Map([['0200', 3]]) }]);
    await metrics.expose();
    const text = await metrics.expose();
    for (const line of [
      'sluice_card_link_open{link="acq"} 1',
      'sluice_card_messages_total{link="acq",direction="received",type="0200"} 3',
      'sluice_card_messages_total{link="acq",direction="sent",type="0210"} 2',
      'sluice_card_link_events_total{link="acq",event="timeouts"} 4',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('keep counting across scrapes', async () => {
    const metrics = createMetrics(1, false);
    metrics.outcome('sale', Code.ok, 2);
    await metrics.expose();
    metrics.outcome('sale', Code.ok, 3);
    metrics.refusal(Code.busy);
    const text = await metrics.expose();
    expect(text).toContain('sluice_outcomes_total{command="sale",result="ok"} 5');
    expect(text).toContain('sluice_refusals_total{result="busy"} 1');
  });

  it('never have a label from outside the tables', async () => {
    const metrics = createMetrics(2, false);
    for (const command of Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]) {
      for (let code = 0; code < 1100; code++) metrics.outcome(command, code, 1);
    }
    for (const code of [-1, 0.5, 999, 70_000, Number.NaN]) metrics.refusal(code);
    const clearing = Array.from({ length: 300 }, (_, ledger) => ({ peer: 1, ledger, posted: 0 }));
    const figures = {
      accounts: 1,
      openHolds: 0,
      crossings: 0,
      journalBytes: 0,
      indexEntries,
      indexPageReads: 0,
      riskFeatures,
      outbox,
    };
    metrics.partitionFigures(1, { ...figures, clearing });
    metrics.partitionFigures(99, { ...figures, clearing: [] });
    metrics.queueDepth(99, 1);
    const text = await metrics.expose();
    expect(text).toContain('sluice_refusals_total{result="internalError"} 5\n');
    const allowed: Record<string, readonly string[]> = {
      command: Object.keys(COMMANDS),
      result: Object.keys(RESULTS),
      transport: TRANSPORTS,
      index: INDEX_NAMES,
      partition: ['0', '1'],
      state: ['armed', 'due'],
      peer: ['0', '1'],
      ledger: Array.from({ length: 100 }, (_, ledger) => String(ledger)),
    };
    for (const [, name = '', value = ''] of text.matchAll(/[{,](\w+)="([^"]*)"/g)) {
      if (name !== 'le') expect(allowed[name], `${name}=${value}`).toContain(value);
    }
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    expect(series).toBeLessThan(Object.keys(COMMANDS).length * Object.keys(RESULTS).length + 300);
  });

  it('have the webhook endpoints that there are, and no others', async () => {
    const metrics = createMetrics(1, false);
    const figures = { endpoint: 'we_1', deliveries: 3, failures: 2, lagBytes: 160, deadLetters: 1 };
    metrics.webhooks([figures, { ...figures, endpoint: 'we_2' }]);
    metrics.webhooks([figures]);
    const lines = (await metrics.expose()).split('\n').filter((line) => line.startsWith('sluice_webhook'));
    expect(lines.sort()).toEqual([
      'sluice_webhook_dead_letters{endpoint="we_1"} 1',
      'sluice_webhook_deliveries_total{endpoint="we_1"} 3',
      'sluice_webhook_failures_total{endpoint="we_1"} 2',
      'sluice_webhook_lag_bytes{endpoint="we_1"} 160',
    ]);
  });
});
