/** `sluice qr import|export|sheet`: many merchants with their counters, and their codes to be printed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { counterCode } from '../../../adapters/qr/own-codes.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { partyAccountId } from '../../../protocol/ids.ts';
import { readCurrency, readHandle, readWhole } from '../arguments.ts';
import { accountInput, openAccounts } from '../accounts.ts';
import { CommandFailure } from '../errors.ts';
import { type MerchantEntry, readMerchants, writeMerchants } from '../merchant-file.ts';
import { command } from '../options.ts';
import { json } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { failWith, readBounded } from './qr.ts';
import { merchantOf } from './qr-show.ts';

interface ExportOptions extends ConnectionOptions {
  readonly output?: string;
}

interface SheetOptions extends ConnectionOptions {
  readonly currency: string;
  readonly columns: string;
  readonly rows: string;
  readonly output: string;
}

/** Some ten thousand merchants. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const PAGE = 100;

export function registerQrMerchants(qr: Command, terminal: Terminal): void {
  addConnectionOptions(
    command(qr, 'import <file>', 'Register merchants with their accounts and counters, out of a CSV file.', [
      'sluice qr import merchants.csv',
    ]),
  ).action((file: string, options: ConnectionOptions) => importFile(file, options, terminal));

  addConnectionOptions(
    command(qr, 'export', 'Write all merchants that have counters as the CSV that import reads.', [
      'sluice qr export --output merchants.csv',
    ]),
  )
    .option('--output <file>', 'Write it into a file.')
    .action((options: ExportOptions) => exportAll(options, terminal));

  addConnectionOptions(
    command(qr, 'sheet [merchants...]', 'Draw codes of open counters to be printed, many to a page (A4, SVG).', [
      'sluice qr sheet cafe grocer --output sheets',
      'sluice qr sheet --currency HKD --columns 2 --rows 3 --output sheets',
    ]),
  )
    .requiredOption('--output <folder>', 'Where the pages go: page-1.svg and so on.')
    .option('--currency <code>', 'Currency of the codes.', 'CNY')
    .option('--columns <n>', 'Codes side by side, 1 to 8.', '3')
    .option('--rows <n>', 'Codes below each other, 1 to 10.', '4')
    .action((merchants: readonly string[], options: SheetOptions) => sheet(merchants, options, terminal));
}

async function importFile(path: string, options: ConnectionOptions, terminal: Terminal): Promise<void> {
  const file = readMerchants((await readBounded(path, FILE_BYTES_MAX)).toString('utf8'));
  if (!file.ok) throw new CommandFailure(`${path}: nothing was imported.\n${file.mistakes.join('\n')}`);
  await withClient(options, terminal, async (client) => {
    const institution = institutionOf(client);
    for (const { party, counters } of file.merchants) {
      const missing = await missingAccounts(client, party, institution);
      if (missing.length > 0) await openAccounts(client, missing);
      expectOk(await client.putParty(party), terminal, { handle: party.handle });
      expectOk(await client.registry('putCounters', counters), terminal, { handle: party.handle });
    }
  });
  const imported = file.merchants.length;
  terminal.output.write(options.json === true ? json({ imported }) : `${imported} merchants imported.\n`);
}

/** Those that are there keep their terms: a merchant may have a tariff by now. */
async function missingAccounts(client: SluiceClient, party: MerchantEntry['party'], institution: number) {
  const ids = party.ledgers.map((ledger) => partyAccountId(institution, party.handle, ledger));
  const found = await client.lookupAccounts(ids);
  return party.ledgers
    .filter((_, index) => found[index]?.account === undefined)
    .map((ledger) => accountInput(institution, party, ledger));
}

async function exportAll(options: ExportOptions, terminal: Terminal): Promise<void> {
  const merchants = await withClient(options, terminal, (client) => merchantsOf(client, terminal));
  if (options.json === true) return void terminal.output.write(json({ merchants }));
  const text = writeMerchants(merchants);
  if (options.output === undefined) return void terminal.output.write(text);
  await save(options.output, text);
  terminal.output.write(`${merchants.length} merchants exported.\n`);
}

/** All merchants that have counters, by handle. */
async function merchantsOf(client: SluiceClient, terminal: Terminal): Promise<readonly MerchantEntry[]> {
  const merchants: MerchantEntry[] = [];
  for (let cursor = 0; ; ) {
    const page = await client.listParties({ cursor, limit: PAGE });
    expectOk(page, terminal);
    for (const { institution: _institution, updatedAt: _updatedAt, ...party } of page.parties) {
      if (party.kind !== 'merchant') continue;
      const found = await client.registry('getCounters', { handle: party.handle });
      if (found.counters === undefined) continue;
      const { handle, city, country, counters } = found.counters;
      merchants.push({ party, counters: { handle, city, country, counters } });
    }
    cursor = page.nextCursor;
    if (cursor === 0) break;
  }
  return merchants.sort((a, b) => (a.party.handle < b.party.handle ? -1 : 1));
}

async function sheet(handles: readonly string[], options: SheetOptions, terminal: Terminal): Promise<void> {
  const { numeric, alphabetic } = readCurrency(options.currency);
  const layout = {
    columns: readWhole(options.columns, '--columns', 1, 8),
    rows: readWhole(options.rows, '--rows', 1, 10),
  };
  const { makeMatrix } = await import('../../../adapters/qr/image/matrix.ts');
  const { toSheets } = await import('../../../adapters/qr/image/sheet.ts');
  const codes = await withClient(options, terminal, async (client) => {
    const all = handles.length === 0 ? (await merchantsOf(client, terminal)).map(({ party }) => party.handle) : handles;
    const made = [];
    for (const handle of all) {
      const { merchant, counters, ledgers } = await merchantOf(client, readHandle(handle), terminal);
      if (!ledgers.includes(numeric)) continue;
      for (const counter of counters.filter(({ state }) => state === 'open')) {
        const code = counterCode(merchant, counter, numeric);
        const matrix = code.ok ? makeMatrix(code.value) : code;
        if (!matrix.ok) failWith(matrix.error, false, terminal);
        const name = merchant.name === '' ? handle : merchant.name;
        const where = counter.name === '' ? counter.counter : `${counter.name} (${counter.counter})`;
        made.push({ matrix: matrix.value, captions: [name, where, alphabetic] });
      }
    }
    return made;
  });
  if (codes.length === 0) throw new CommandFailure(`none of them has an open counter and an account in ${alphabetic}`);
  const pages = toSheets(codes, layout);
  for (const [index, page] of pages.entries()) await save(join(options.output, `page-${index + 1}.svg`), page);
  const done = { codes: codes.length, pages: pages.length };
  terminal.output.write(options.json === true ? json(done) : `${done.codes} codes on ${done.pages} pages.\n`);
}

async function save(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  } catch (error) {
    throw new CommandFailure(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
