/** What the benchmark tells its child processes and hears from them. Plain data: it travels between processes. */

import type { LatencySummary } from './latency.ts';
import type { Distribution } from './random.ts';

/** Accounts as the four u32 words of their ids, least significant first. */
export type IdWords = readonly [number, number, number, number];

/** Accounts of one partition that move money between each other. */
export interface Group {
  readonly payers: readonly IdWords[];
  /** The same as `payers` for transfers. */
  readonly payees: readonly IdWords[];
}

/** What each request asks for. */
export type TrafficSpec =
  | { readonly type: 'echo'; readonly bytes: number }
  | {
      readonly type: 'transfers';
      readonly records: number;
      readonly ledger: number;
      readonly groups: readonly Group[];
      readonly distribution: Distribution;
      /** Share of the transfers whose credit side is in another group, 0 to 1. */
      readonly crossing: number;
    }
  | {
      /** A code is issued, then paid with. */
      readonly type: 'qr';
      readonly ledger: number;
      readonly groups: readonly Group[];
      readonly distribution: Distribution;
    }
  | {
      readonly type: 'sales';
      readonly ledger: number;
      readonly groups: readonly Group[];
      readonly distribution: Distribution;
    };

export interface Timing {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** A load that ends when so many records are answered, and is measured from a number of them on. */
export interface LoadGoal {
  readonly records: number;
  readonly measuredFrom: number;
}

/** Load over WebSocket. */
export interface WebSocketJob extends Timing {
  readonly type: 'websocket';
  /** When it is there, the timing says only when the load ends at the latest. */
  readonly goal?: LoadGoal;
  readonly host: string;
  readonly port: number;
  /** API key of the hello; undefined for a server that knows none (echo). */
  readonly key: string | undefined;
  readonly connections: number;
  /** Requests that a connection may have unanswered. */
  readonly inFlight: number;
  /** Requests per second over all connections; undefined = as many as are answered. */
  readonly rate: number | undefined;
  readonly traffic: TrafficSpec;
  readonly seed: number;
}

/** The same sale as `sales`, as HTTP/JSON. */
export interface HttpJob extends Timing {
  readonly type: 'http';
  readonly host: string;
  readonly port: number;
  readonly key: string;
  readonly connections: number;
  readonly currency: string;
  readonly groups: readonly Group[];
  readonly distribution: Distribution;
  readonly seed: number;
}

/** Card messages over links. */
export interface CardJob extends Timing {
  readonly type: 'cards';
  readonly host: string;
  readonly port: number;
  /** Links. */
  readonly connections: number;
  readonly inFlight: number;
  /** Messages per second over all links; undefined = as many as are answered. */
  readonly rate: number | undefined;
  readonly cards: number;
  readonly seed: number;
}

/** The state machine and the journal in one process, without any network. */
export interface JournalJob extends Timing {
  readonly type: 'journal';
  /** An empty folder. */
  readonly directory: string;
  readonly records: number;
  readonly accounts: number;
  readonly seed: number;
}

export type Job = WebSocketJob | HttpJob | CardJob | JournalJob;

export interface JobResult {
  /** Records answered in the time that was measured. */
  readonly count: number;
  /** Records refused or declined, and requests that got no answer, from the first to the last. */
  readonly errors: number;
  readonly seconds: number;
  readonly latencyMs: LatencySummary;
  /** CPU time of the load process in the measured time: near `seconds`, and it is the load that is measured. */
  readonly cpuSeconds: number;
  /** Answers by result code, from the first to the last request. */
  readonly codes: Readonly<Record<string, number>>;
}

/** From the parent. */
export interface RunMessage {
  readonly type: 'run';
  readonly job: Job;
}

/** To the parent, in this order; `progress` comes now and then between the others. */
export type ChildMessage =
  | { readonly type: 'measuring' }
  | { readonly type: 'progress'; readonly count: number; readonly elapsedMs: number }
  | { readonly type: 'measured' }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'failed'; readonly message: string };

export type Report = (message: ChildMessage) => void;
