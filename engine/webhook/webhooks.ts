/** Webhooks as the switch runs them: a thread of their own, started when there is an endpoint, and its figures. */

import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import type { SwitchMetrics } from '../observe/metrics.ts';
import { WebhookStore } from './webhook-store.ts';
import type { WebhookOptions, WebhookReport, WebhookTask } from './webhook-worker.ts';

/** How often it is looked whether there are endpoints, and how they are. */
const REPORT_MS = 1000;

export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #metrics: SwitchMetrics;
  readonly #log: Logger;
  readonly #store: WebhookStore;
  readonly #timer: NodeJS.Timeout;
  #pool: Piscina<WebhookTask, WebhookReport> | undefined;
  /** The look under way; the timer does not begin another. */
  #look: Promise<void> | undefined;

  constructor(options: WebhookOptions, metrics: SwitchMetrics, log: Logger) {
    this.#options = options;
    this.#metrics = metrics;
    this.#log = log;
    this.#store = WebhookStore.open(options.control);
    this.#timer = setInterval(() => this.#beginLook(), REPORT_MS).unref();
    this.#beginLook();
  }

  /** Ends deliveries under way, which are repeated after the next start, and the thread. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
    // By message first: a thread that is terminated inside LMDB would hang the process.
    await this.#pool?.run({ type: 'close' });
    await this.#pool?.destroy();
    await this.#store.close();
  }

  #beginLook(): void {
    this.#look ??= this.#lookOnce().finally(() => {
      this.#look = undefined;
    });
  }

  async #lookOnce(): Promise<void> {
    try {
      if (this.#pool === undefined) {
        if (this.#store.endpoints().length === 0) return;
        await this.#start();
      }
      const report = await this.#pool?.run({ type: 'report' });
      if (report === undefined) return;
      this.#metrics.webhooks(report.figures);
      for (const { event, ...details } of report.notes) this.#log.warn(details, `webhook: ${event}`);
    } catch (error) {
      this.#log.error({ err: error }, 'webhooks');
    }
  }

  async #start(): Promise<void> {
    const pool = new Piscina<WebhookTask, WebhookReport>({
      filename: new URL('./webhook-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 2,
      maxQueue: 16,
      // Its loops go on between tasks: it must not sleep on Atomics.wait.
      atomics: 'disabled',
      closeTimeout: 15_000,
    });
    this.#pool = pool;
    await pool.run({ type: 'open', options: this.#options });
    this.#log.info('webhooks are delivered');
  }
}
