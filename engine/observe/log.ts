/**
 * The log: one JSON object per line on standard output, or readable lines for a terminal.
 * What must never be kept is removed by field name at any depth that our messages have, and API keys by their form.
 */
import { type DestinationStream, destination, type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { LogFormat, LogLevel } from '../config/options.ts';

/** Fields whose value is never written, whatever object they are in. */
const SENSITIVE_FIELDS = [
  'authorization',
  'Authorization',
  'key',
  'apiKey',
  'secret',
  'password',
  'token',
  'cookie',
  'pan',
  'track',
  'track1',
  'track2',
  'pin',
  'pinBlock',
  'cvv',
  'cvc',
];

/** Objects inside objects that are still looked through. */
const DEPTH = 4;

/** An API key in the middle of a text; its id may stay, since it names the key without opening anything. */
const API_KEY = /\bslk_([A-Za-z0-9]+)_[A-Za-z0-9_-]+/g;

const REDACTED = '[redacted]';

export interface LogTarget {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether `auto` writes for people. */
  readonly isTerminal: boolean;
  /** Where to write; standard output when left out. */
  readonly stream?: DestinationStream;
}

/** Makes the log. Writing does not block the caller: call `flush` before the process ends. */
export function createLogger(target: LogTarget): Logger {
  const options: LoggerOptions = {
    level: target.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: sensitivePaths(), censor: REDACTED },
    hooks: { streamWrite: (line) => line.replace(API_KEY, `slk_$1_${REDACTED}`) },
  };
  const isPretty = target.format === 'pretty' || (target.format === 'auto' && target.isTerminal);
  if (isPretty) {
    return pino(
      options,
      pretty({
        colorize: target.isTerminal,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
        destination: target.stream ?? 1,
      }),
    );
  }
  return pino(options, target.stream ?? destination({ fd: 1, sync: false }));
}

function sensitivePaths(): string[] {
  const paths: string[] = [];
  for (const field of SENSITIVE_FIELDS) {
    for (let depth = 0; depth < DEPTH; depth++) paths.push(`${'*.'.repeat(depth)}${field}`);
  }
  return paths;
}
