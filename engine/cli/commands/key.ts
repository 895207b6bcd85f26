/** `sluice key create|list|revoke`: API keys of a data directory. Works while the switch runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { SCOPES, type Scope } from '../../../protocol/commands.ts';
import type { KeyStore } from '../../admission/key-store.ts';
import { OPTIONS } from '../../config/options.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface StoreOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

interface CreateOptions extends StoreOptions {
  readonly institution: string;
  readonly scopes: string;
  readonly label: string;
}

const DATA_DIR = ['--data-dir <dir>', 'Data directory of the switch. (environment: SLUICE_DATA_DIR)'] as const;

export function registerKey(program: Command, terminal: Terminal): void {
  const key = group(program, 'key', 'Create, list and revoke API keys of a data directory.');

  command(key, 'create', 'Create a key. It is shown once and stored only as a hash.', [
    'sluice key create --institution 1 --label "operations" --scopes read,ledger,admin',
    'sluice key create --institution "Corner Bank" --label wallet --scopes read,pay',
  ])
    .requiredOption('--institution <institution>', 'Number or name; a new name registers a new institution.')
    .requiredOption('--label <text>', 'What the key is for, so that it can be told from others.')
    .option('--scopes <list>', `What the key may do: some of ${SCOPES.join(', ')}.`, 'read,pay')
    .option(...DATA_DIR)
    .action((options: CreateOptions) =>
      withStore(options, terminal, true, (store) => {
        const institution = findInstitution(store, options.institution);
        const created = store.createKey({ institution, scopes: readScopes(options.scopes), label: options.label });
        const { text, ...entry } = created;
        if (options.json === true) {
          terminal.output.write(json({ ...entry, key: text }));
          return;
        }
        terminal.output.write(`${text}\n`);
        terminal.errors.write(
          'This is the only time that the key is shown. Keep it in a file that only you can read.\n',
        );
      }),
    );

  command(key, 'list', 'List keys: what they may do, and whether they are revoked. Never their secrets.', [
    'sluice key list',
    'sluice key list --data-dir /var/lib/sluice --json',
  ])
    .option(...DATA_DIR)
    .action((options: StoreOptions) =>
      withStore(options, terminal, false, (store) => {
        const names = new Map(store.listInstitutions().map(({ number, name }) => [number, name]));
        const keys = store.listKeys();
        if (options.json === true) {
          terminal.output.write(json({ keys }));
          return;
        }
        const columns = ['ID', 'INSTITUTION', 'SCOPES', 'LABEL', 'CREATED', 'REVOKED'].map((title) => ({ title }));
        const rows = keys.map((entry) => [
          entry.id,
          `${entry.institution} ${names.get(entry.institution) ?? ''}`,
          entry.scopes.join(','),
          entry.label,
          new Date(entry.createdAtMs).toISOString(),
          entry.revokedAtMs === undefined ? '-' : new Date(entry.revokedAtMs).toISOString(),
        ]);
        terminal.output.write(table(columns, rows));
      }),
    );

  command(key, 'revoke <id>', 'End a key: it stops working within a second.', ['sluice key revoke 0123456789abcdef'])
    .option(...DATA_DIR)
    .action((id: string, options: StoreOptions) =>
      withStore(options, terminal, false, (store) => {
        if (!store.revokeKey(id)) {
          throw new CommandFailure(`there is no key ${id}: see "sluice key list" for the ids`);
        }
        terminal.output.write(options.json === true ? json({ id, revoked: true }) : `Key ${id} is revoked.\n`);
      }),
    );
}

async function withStore(
  options: StoreOptions,
  terminal: Terminal,
  create: boolean,
  use: (store: KeyStore) => void,
): Promise<void> {
  const dataDir = options.dataDir ?? terminal.environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
  const directory = join(dataDir, 'control');
  if (!create && !existsSync(directory)) {
    throw new CommandFailure(`${dataDir} is not a data directory: give the right one with --data-dir`);
  }
  const { KeyStore } = await import('../../admission/key-store.ts');
  const store = KeyStore.open({ directory, nowMs: Date.now });
  try {
    use(store);
  } catch (error) {
    // The store says with a RangeError what it does not accept.
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  } finally {
    await store.close();
  }
}

function findInstitution(store: KeyStore, text: string): number {
  const institutions = store.listInstitutions();
  if (/^\d+$/.test(text)) {
    if (institutions.some(({ number }) => number === Number(text))) return Number(text);
    const known = institutions.map(({ number, name }) => `${number} ${name}`).join(', ');
    throw new UsageError(`there is no institution ${text}; there are: ${known}. Give a name to register a new one`);
  }
  return (institutions.find(({ name }) => name === text) ?? store.createInstitution(text)).number;
}

function readScopes(text: string): Scope[] {
  return text.split(',').map((word) => {
    const scope = SCOPES.find((known) => known === word.trim());
    if (scope === undefined) throw new UsageError(`"${word}" is not a scope: use some of ${SCOPES.join(', ')}`);
    return scope;
  });
}
