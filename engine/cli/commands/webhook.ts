/** `sluice webhook add|list|remove|dead|retry|test`: webhooks of a data directory. Works while the switch runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OPTIONS } from '../../config/options.ts';
import { packageVersion } from '../../version.ts';
import type { DeliveryState, StoredEndpoint, WebhookStore } from '../../webhook/webhook-store.ts';
import { readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface StoreOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

interface AddOptions extends StoreOptions {
  readonly institution: string;
  readonly types: string;
  readonly from: string;
  readonly attempts: string;
}

const DATA_DIR = ['--data-dir <dir>', 'Data directory of the switch. (environment: SLUICE_DATA_DIR)'] as const;
const TEST_TIMEOUT_MS = 10_000;
/** With pauses of 5 s to an hour in between: about three hours. */
const ATTEMPTS = '12';

export function registerWebhook(program: Command, terminal: Terminal): void {
  const webhook = group(program, 'webhook', 'Have changes sent to web addresses, and see what could not be delivered.');
  registerAdd(webhook, terminal);
  registerList(webhook, terminal);
  registerRemove(webhook, terminal);
  registerDead(webhook, terminal);
  registerTest(webhook, terminal);
}

function registerAdd(webhook: Command, terminal: Terminal): void {
  command(webhook, 'add <url>', 'Send changes to an address. Its secret is shown once: receivers verify with it.', [
    'sluice webhook add https://shop.example/sluice --institution 2',
    'sluice webhook add https://books.example/in --institution 1 --types payment,account --from start',
  ])
    .requiredOption(
      '--institution <number>',
      'Whose changes: those that it made and those on its accounts; 1 gets all.',
    )
    .option('--types <list>', 'Only these types of change, as "transfer,payment"; all when left out.', '')
    .option('--from <where>', '"now", or "start" for everything that ever happened.', 'now')
    .option('--attempts <count>', 'Attempts before a delivery goes on the dead-letter list.', ATTEMPTS)
    .option(...DATA_DIR)
    .action((url: string, options: AddOptions) =>
      withStore(options, terminal, async (store, dataDir) => {
        const endpoint = store.add({
          url,
          institution: await findInstitution(join(dataDir, 'control'), options.institution),
          types: options.types === '' ? [] : options.types.split(',').map((type) => type.trim()),
          attemptsMax: readWhole(options.attempts, 'the number of attempts', 1, 100),
          cursors: await readFrom(options.from, dataDir),
          nowMs: Date.now(),
        });
        const { secret, ...shown } = endpoint;
        if (options.json === true) {
          terminal.output.write(json({ ...shown, secret }));
          return;
        }
        terminal.output.write(`${endpoint.id}\n${secret}\n`);
        terminal.errors.write(
          'This is the only time that the secret is shown. The receiver verifies signatures with it.\n',
        );
      }),
    );
}

function registerList(webhook: Command, terminal: Terminal): void {
  command(webhook, 'list', 'List webhooks and how far they are. Never their secrets.', ['sluice webhook list --json'])
    .option(...DATA_DIR)
    .action((options: StoreOptions) =>
      withStore(options, terminal, (store) => {
        const webhooks = store.endpoints().map(({ secret: _, ...endpoint }) => ({
          ...endpoint,
          partitions: store.states(endpoint.id).map(({ partition, state }) => ({ partition, ...standing(state) })),
          deadLetters: store.deadCount(endpoint.id),
        }));
        if (options.json === true) {
          terminal.output.write(json({ webhooks }));
          return;
        }
        const columns = ['ID', 'INSTITUTION', 'TYPES', 'CURSORS', 'FAILED', 'DEAD', 'URL'].map((title) => ({ title }));
        const rows = webhooks.map(({ id, institution, types, partitions, deadLetters, url }) => [
          id,
          String(institution),
          types.length === 0 ? 'all' : types.join(','),
          partitions.map(({ cursor }) => cursor).join(' '),
          partitions.flatMap(({ error }) => error ?? [])[0] ?? '-',
          String(deadLetters),
          url,
        ]);
        terminal.output.write(table(columns, rows));
      }),
    );
}

function registerRemove(webhook: Command, terminal: Terminal): void {
  command(webhook, 'remove <id>', 'End a webhook: nothing is sent any more within a second, and its list goes.', [
    'sluice webhook remove we_0123456789abcdef',
  ])
    .option(...DATA_DIR)
    .action((id: string, options: StoreOptions) =>
      withStore(options, terminal, (store) => {
        if (!store.remove(id)) throw unknown(id);
        terminal.output.write(options.json === true ? json({ id, removed: true }) : `Webhook ${id} is removed.\n`);
      }),
    );
}

function registerDead(webhook: Command, terminal: Terminal): void {
  command(webhook, 'dead <id>', 'List deliveries that were given up. What they hold is in the journal still.', [
    'sluice webhook dead we_0123456789abcdef',
  ])
    .option(...DATA_DIR)
    .action((id: string, options: StoreOptions) =>
      withStore(options, terminal, (store) => {
        findEndpoint(store, id);
        const letters = store.dead(id);
        if (options.json === true) {
          terminal.output.write(json({ deadLetters: letters }));
          return;
        }
        const columns = ['DELIVERY', 'PARTITION', 'FROM', 'TO', 'ATTEMPTS', 'GIVEN UP', 'SEND AGAIN', 'WHY'];
        const rows = letters.map((letter) => [
          letter.id,
          String(letter.partition),
          String(letter.cursor),
          String(letter.until),
          String(letter.attempts),
          new Date(letter.atMs).toISOString(),
          letter.retry ? 'yes' : '-',
          letter.error,
        ]);
        const titles = columns.map((title) => ({ title }));
        terminal.output.write(table(titles, rows));
      }),
    );

  command(webhook, 'retry <id> [delivery]', 'Send deliveries again that were given up: one, or all of a webhook.', [
    'sluice webhook retry we_0123456789abcdef',
  ])
    .option(...DATA_DIR)
    .action((id: string, delivery: string | undefined, options: StoreOptions) =>
      withStore(options, terminal, (store) => {
        findEndpoint(store, id);
        const count = store.retry(id, delivery);
        if (count === 0 && delivery !== undefined) throw new CommandFailure(`there is no delivery ${delivery}`);
        const text = `${count} ${count === 1 ? 'delivery is' : 'deliveries are'} sent again while the switch runs.\n`;
        terminal.output.write(options.json === true ? json({ id, retried: count }) : text);
      }),
    );
}

function registerTest(webhook: Command, terminal: Terminal): void {
  command(
    webhook,
    'test <id>',
    'Send a signed message without changes, from here, and say what the receiver answers.',
    ['sluice webhook test we_0123456789abcdef'],
  )
    .option(...DATA_DIR)
    .action((id: string, options: StoreOptions) =>
      withStore(options, terminal, async (store) => {
        const { url, secret } = findEndpoint(store, id);
        const { Poster } = await import('../../webhook/post.ts');
        const settings = { timeoutMs: TEST_TIMEOUT_MS, userAgent: `sluice/${packageVersion()}`, nowMs: Date.now };
        const poster = new Poster(settings);
        const body = JSON.stringify({ type: 'test', partition: 0, changes: [] });
        const delivery = { url, secret, id: `msg_test_${Date.now()}`, body };
        const error = await poster.post(delivery, new AbortController().signal);
        poster.close();
        if (error !== undefined)
          throw new CommandFailure(`the test was not delivered: ${error}`, { id, reason: error });
        terminal.output.write(options.json === true ? json({ id, delivered: true }) : 'The receiver took it.\n');
      }),
    );
}

interface Standing {
  readonly cursor: number;
  /** Of the delivery under way, those that failed. */
  readonly attempts: number;
  readonly nextAttemptAt?: string;
  readonly error?: string;
}

function standing({ cursor, attempts, nextAtMs, error }: DeliveryState): Standing {
  if (attempts === 0) return { cursor, attempts };
  const nextAttemptAt = new Date(nextAtMs).toISOString();
  return { cursor, attempts, nextAttemptAt, ...(error === undefined ? {} : { error }) };
}

function findEndpoint(store: WebhookStore, id: string): StoredEndpoint {
  const endpoint = store.endpoint(id);
  if (endpoint === undefined) throw unknown(id);
  return endpoint;
}

function unknown(id: string): CommandFailure {
  return new CommandFailure(`there is no webhook ${id}: see "sluice webhook list" for the ids`);
}

async function withStore(
  options: StoreOptions,
  terminal: Terminal,
  use: (store: WebhookStore, dataDir: string) => void | Promise<void>,
): Promise<void> {
  const dataDir = options.dataDir ?? terminal.environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
  const directory = join(dataDir, 'control');
  if (!existsSync(directory)) {
    throw new CommandFailure(`${dataDir} is not a data directory: give the right one with --data-dir`);
  }
  const { WebhookStore } = await import('../../webhook/webhook-store.ts');
  const store = WebhookStore.open(directory);
  try {
    await use(store, dataDir);
  } catch (error) {
    // The store says with a RangeError what it does not accept.
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  } finally {
    await store.close();
  }
}

async function findInstitution(directory: string, text: string): Promise<number> {
  const { KeyStore } = await import('../../admission/key-store.ts');
  const keys = KeyStore.open({ directory, nowMs: Date.now });
  const institutions = keys.listInstitutions();
  await keys.close();
  const found = institutions.find(({ number, name }) => String(number) === text || name === text);
  if (found !== undefined) return found.number;
  const known = institutions.map(({ number, name }) => `${number} ${name}`).join(', ');
  throw new UsageError(`there is no institution ${text}; there are: ${known}`);
}

/** Where to begin in each partition. */
async function readFrom(text: string, dataDir: string): Promise<number[]> {
  if (text === 'start') return [];
  if (text !== 'now') throw new UsageError(`--from is "now" or "start", not "${text}"`);
  const { DIRECTORY_FILE, readDirectory } = await import('../../storage/directory.ts');
  // Before the first start nothing has happened.
  if (!existsSync(join(dataDir, DIRECTORY_FILE))) return [];
  const { LmdbJournal } = await import('../../journal/journal.ts');
  const ends: number[] = [];
  for (const [partition, { journal: path }] of readDirectory(dataDir).partitions.entries()) {
    const journal = await LmdbJournal.open({ path, partition, readOnly: true });
    ends.push(journal.nextLsn);
    await journal.close();
  }
  return ends;
}
