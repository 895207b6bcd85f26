/** A connection to a running switch, for one command. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { ConnectionLostError, RefusedError, RequestTimeoutError } from '../../protocol/client/client-error.ts';
import { EncodeError } from '../../protocol/codecs/codec-error.ts';
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { OPTIONS } from '../config/options.ts';
import { CommandFailure, UsageError } from './errors.ts';
import { explain } from './results.ts';
import { languageOf, type Terminal } from './terminal.ts';

/** A person waits: a switch that is not there should be said soon. */
const RECONNECT = { attemptsMax: 2, backoffMsMin: 100, backoffMsMax: 500 };

export const DEFAULT_URL = `ws://127.0.0.1:${OPTIONS.port.default}/v1/ws`;

/** In the data directory: the key of the sandbox, readable by its owner only. */
export const SANDBOX_KEY_FILE = 'sandbox-key';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** Adds the options that say which switch to talk to, and as whom. */
export function addConnectionOptions(target: Command): Command {
  const options = [
    new Option('--url <url>', `WebSocket address of the switch. (environment: SLUICE_URL; default: ${DEFAULT_URL})`),
    new Option('--key-file <file>', 'File that holds the API key. (environment: SLUICE_KEY_FILE)'),
    new Option('--key <key>', 'API key; others on this machine can see it. (environment: SLUICE_KEY)'),
    new Option('--data-dir <dir>', 'Where a sandbox left its key. (environment: SLUICE_DATA_DIR; default: ./data)'),
  ];
  for (const option of options) target.addOption(option.helpGroup('Connection:'));
  return target;
}

/** Connects, runs `use`, and closes whatever happens. */
export async function withClient<T>(
  options: ConnectionOptions,
  terminal: Terminal,
  use: (client: SluiceClient) => Promise<T>,
): Promise<T> {
  const url = options.url ?? terminal.environment.SLUICE_URL ?? DEFAULT_URL;
  const key = findKey(options, terminal.environment);
  const client = await connect(url, key, terminal);
  try {
    return await use(client);
  } catch (error) {
    throw clientFailure(error, terminal) ?? error;
  } finally {
    await client.close();
  }
}

/** Connects with a key. Throws CommandFailure that says what to do when there is no switch at `url`. */
export async function connect(url: string, key: string, terminal: Terminal): Promise<SluiceClient> {
  const { connectNode } = await import('../../protocol/client/node.ts');
  try {
    return await connectNode({ url, key, name: 'sluice command line', reconnect: RECONNECT });
  } catch (error) {
    if (error instanceof ConnectionLostError) {
      throw new CommandFailure(
        `there is no switch at ${url}: start one with "sluice serve --sandbox", or name another with --url`,
      );
    }
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(`--url: ${error.message}`);
    throw clientFailure(error, terminal) ?? error;
  }
}

/** Who the key belongs to, as the switch said when the connection was made. */
export function institutionOf(client: SluiceClient): number {
  const hello = client.server;
  if (hello === undefined) throw new CommandFailure('the switch did not say who this key belongs to');
  return hello.institution;
}

/** An error of the client as the person at the terminal needs it; undefined for all other errors. */
function clientFailure(error: unknown, terminal: Terminal): Error | undefined {
  if (error instanceof RefusedError) {
    const { detail, index } = error;
    const text = explain(resultOfCode(error.code), languageOf(terminal.environment));
    const details = { code: error.code, name: error.name, detail, index };
    return new CommandFailure(detail === '' ? text : `${text} ${detail}`, details);
  }
  if (error instanceof EncodeError) return new UsageError(error.message);
  if (error instanceof ConnectionLostError || error instanceof RequestTimeoutError) {
    return new CommandFailure(error.message, { outcome: error.outcome });
  }
  return undefined;
}

/** Flags before the environment, a key before a file, and the sandbox's key when nothing else is given. */
function findKey(options: ConnectionOptions, environment: Terminal['environment']): string {
  if (options.key !== undefined) return options.key;
  if (options.keyFile !== undefined) return readKey(options.keyFile);
  if (environment.SLUICE_KEY) return environment.SLUICE_KEY;
  if (environment.SLUICE_KEY_FILE) return readKey(environment.SLUICE_KEY_FILE);
  const dataDir = options.dataDir ?? environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
  const sandboxKey = join(dataDir, SANDBOX_KEY_FILE);
  if (existsSync(sandboxKey)) return readKey(sandboxKey);
  throw new UsageError(
    'there is no API key: give one with --key-file, SLUICE_KEY_FILE or SLUICE_KEY, ' +
      'or name the data directory of a sandbox with --data-dir',
  );
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`the key file cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
