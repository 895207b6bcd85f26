/**
 * Every option of the switch, declared once: the loader, `--help`, `config print` and the documentation read this table.
 * The key is what a file uses; the flag is `--key`; the environment variable is `SLUICE_KEY` with underscores.
 */
import type { z } from 'zod';
import { choice, size, text, toggle, whole } from './units.ts';

export interface Option<T = unknown> {
  readonly key: string;
  readonly schema: z.ZodType<T>;
  readonly default: T;
  readonly description: string;
  /** What the number counts; empty for text and switches. */
  readonly unit: string;
  readonly example: string;
  /** A switch takes no value on the command line. */
  readonly isSwitch: boolean;
  /** A file that must be readable when the switch starts. */
  readonly isFile: boolean;
}

type Details<T> = Pick<Option<T>, 'description' | 'example'> & Partial<Pick<Option<T>, 'unit' | 'isSwitch' | 'isFile'>>;

function option<T>(key: string, schema: z.ZodType<T>, initial: T, details: Details<T>): Option<T> {
  return { key, schema, default: initial, unit: '', isSwitch: false, isFile: false, ...details };
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const MIB = 1_048_576;
const GIB = 1024 * MIB;

export const OPTIONS = {
  dataDir: option('data-dir', text(), './data', {
    description: 'Folder that holds everything the switch stores. Created when it does not exist.',
    example: '/var/lib/sluice',
  }),
  host: option('host', text(), '127.0.0.1', {
    description: 'Address to listen on. 0.0.0.0 and :: mean every interface: use TLS then.',
    example: '0.0.0.0',
  }),
  port: option('port', whole(0, 65_535), 7400, {
    description: 'TCP port for HTTP and WebSocket. 0 takes any free one.',
    example: '7400',
  }),
  tlsCert: option('tls-cert', text().optional(), undefined, {
    description: 'PEM file with the certificate chain. With tls-key it turns TLS on.',
    example: '/etc/sluice/tls.crt',
    isFile: true,
  }),
  tlsKey: option('tls-key', text().optional(), undefined, {
    description: 'PEM file with the private key of the certificate.',
    example: '/etc/sluice/tls.key',
    isFile: true,
  }),
  stepUpKey: option('step-up-key', text().optional(), undefined, {
    description:
      'File with the key under which payers prove a challenged payment: HMAC-SHA-256, for trying and testing.',
    example: '/etc/sluice/step-up.key',
    isFile: true,
  }),
  payerCodeKey: option('payer-code-key', text().optional(), undefined, {
    description:
      'File with the key of which the keys of devices are made that show payment codes without a connection.',
    example: '/etc/sluice/payer-code.key',
    isFile: true,
  }),
  iso8583File: option('iso8583-file', text().optional(), undefined, {
    description: 'File that sets up the card switch: links of acquirers, card ranges, settlement accounts, keys.',
    example: '/etc/sluice/terminal.yaml',
    isFile: true,
  }),
  iso8583Port: option('iso8583-port', whole(0, 65_535).optional(), undefined, {
    description: 'With sandbox: TCP port for card messages (ISO 8583) of its test cards. 0 takes any free one.',
    example: '8583',
  }),
  iso8583IssuerPort: option('iso8583-issuer-port', whole(1, 65_535).optional(), undefined, {
    description:
      'With iso8583-port: TCP port of this machine where an issuer of other cards answers (simulate-issuer).',
    example: '8584',
  }),
  partitions: option('partitions', whole(1, 64), 1, {
    description: 'Partitions of a new data directory, one thread each. An existing directory keeps its number.',
    unit: 'partitions',
    example: '4',
  }),
  sandbox: option('sandbox', toggle(), false, {
    description: 'Open customers, merchants and house accounts with play money, and write a key for the command line.',
    example: 'true',
    isSwitch: true,
  }),
  logLevel: option('log-level', choice(LOG_LEVELS), 'info', {
    description: `How much to log: ${LOG_LEVELS.join(', ')}.`,
    example: 'debug',
  }),
  logFormat: option('log-format', choice(LOG_FORMATS), 'auto', {
    description: 'json: one object per line; pretty: for people; auto: pretty on a terminal, else json.',
    example: 'json',
  }),
  rateLimit: option('rate-limit', whole(0, 100_000_000), 0, {
    description: 'Most requests that one institution may send in a second. 0 sets no limit.',
    unit: 'requests/s',
    example: '50000',
  }),
  inFlightMax: option('in-flight-max', whole(1, 65_536), 4096, {
    description: 'Requests that one connection may have unanswered; more are refused.',
    unit: 'requests',
    example: '1024',
  }),
  sessionsMax: option('sessions-max', whole(1, 1_000_000), 10_000, {
    description: 'Connections at once; more are refused.',
    unit: 'connections',
    example: '2000',
  }),
  batchBytesMax: option('batch-bytes-max', size(4 * MIB, 64 * MIB), 4 * MIB, {
    description: 'Bytes of requests at which a batch is sealed. The largest message and its reply must fit.',
    unit: 'bytes',
    example: '4MiB',
  }),
  queueBatchesMax: option('queue-batches-max', whole(2, 1024), 16, {
    description: 'Batches that may wait for one partition. When they are full, requests are answered `busy`.',
    unit: 'batches',
    example: '32',
  }),
  indexMemoryEntries: option('index-memory-entries', whole(16_384, 100_000_000), 262_144, {
    description: 'Ids that each index of a partition keeps in memory before it writes them to a segment.',
    unit: 'entries',
    example: '4000000',
  }),
  filterBytesMax: option('filter-bytes-max', size(0, 64 * GIB), 64 * MIB, {
    description: 'Memory for the filters that keep unknown ids from touching the disk, per partition.',
    unit: 'bytes',
    example: '256MiB',
  }),
  checkpointEveryBytes: option('checkpoint-every-bytes', size(MIB, 1024 * GIB), GIB, {
    description: 'Journal bytes between two checkpoints of a partition: this much is replayed at most when it opens.',
    unit: 'bytes',
    example: '512MiB',
  }),
  accountsMax: option('accounts-max', whole(1, 100_000_000), 10_000_000, {
    description: 'Accounts that one partition can hold; each takes about 300 bytes of memory once it is open.',
    unit: 'accounts',
    example: '1000000',
  }),
  holdsMax: option('holds-max', whole(1, 100_000_000), 1_000_000, {
    description: 'Pending transfers and open authorisations that one partition can hold at once.',
    unit: 'holds',
    example: '250000',
  }),
  idleTimeoutS: option('idle-timeout-s', idleTimeout(), 120, {
    description: 'A connection on which nothing arrives for this long is closed. 0 keeps it open.',
    unit: 'seconds',
    example: '60',
  }),
  drainTimeoutS: option('drain-timeout-s', whole(0, 3600), 10, {
    description: 'How long a stop waits for requests that are under way before it closes their connections.',
    unit: 'seconds',
    example: '30',
  }),
} as const satisfies Readonly<Record<string, Option>>;

/** The range that uWebSockets.js takes: off, or 8 to 960 seconds. */
function idleTimeout(): z.ZodType<number> {
  return whole(0, 960).refine((seconds) => seconds === 0 || seconds >= 8, 'must be 0, or from 8 to 960');
}

export type OptionName = keyof typeof OPTIONS;

/** The values that the switch runs with: read once, checked, frozen. */
export type Config = { readonly [K in OptionName]: z.output<(typeof OPTIONS)[K]['schema']> };

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** `--data-dir` of `data-dir`. */
export function flagOf(key: string): string {
  return `--${key}`;
}

/** `SLUICE_DATA_DIR` of `data-dir`. */
export function environmentVariableOf(key: string): string {
  return `SLUICE_${key.replaceAll('-', '_').toUpperCase()}`;
}

/** The option with this key; undefined when there is none. */
export function optionOfKey(key: string): OptionName | undefined {
  return OPTION_NAMES.find((name) => OPTIONS[name].key === key);
}
