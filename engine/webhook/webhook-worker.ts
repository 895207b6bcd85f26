/** The Piscina worker file of the thread that delivers webhooks. Its loops run on between the tasks. */
import { JournalChanges } from '../stream/journal-changes.ts';
import type { StreamOptions } from '../stream/stream-worker.ts';
import { DISPATCHER_DEFAULTS, Dispatcher, type DispatcherNote, type EndpointFigures } from './dispatcher.ts';
import { WebhookStore } from './webhook-store.ts';

export interface WebhookOptions extends StreamOptions {
  /** DIR/control */
  readonly control: string;
  readonly userAgent: string;
}

export type WebhookTask =
  | { readonly type: 'open'; readonly options: WebhookOptions }
  | { readonly type: 'report' }
  | { readonly type: 'close' };

/** Since the report before. */
export interface WebhookReport {
  readonly figures: readonly EndpointFigures[];
  readonly notes: readonly DispatcherNote[];
}

const NOTHING: WebhookReport = { figures: [], notes: [] };

let dispatcher: Dispatcher | undefined;
let store: WebhookStore | undefined;
let streams: JournalChanges[] = [];

/** Runs one task; Piscina calls it. */
export default async function task(work: WebhookTask): Promise<WebhookReport> {
  switch (work.type) {
    case 'open': {
      const { partitions, hashSeed, control, userAgent } = work.options;
      const opening = partitions.map(({ journal, index }, partition) =>
        JournalChanges.open({
          partition,
          partitions: partitions.length,
          journalPath: journal,
          indexPath: index,
          hashSeed,
        }),
      );
      streams = await Promise.all(opening);
      store = WebhookStore.open(control);
      const settings = { ...DISPATCHER_DEFAULTS, userAgent, nowMs: Date.now, random: Math.random };
      dispatcher = new Dispatcher(store, streams, settings);
      dispatcher.start();
      return NOTHING;
    }
    case 'report':
      return dispatcher === undefined ? NOTHING : { figures: dispatcher.figures(), notes: dispatcher.notes() };
    case 'close':
      await dispatcher?.stop();
      await store?.close();
      for (const stream of streams) await stream.close();
      return NOTHING;
  }
}
