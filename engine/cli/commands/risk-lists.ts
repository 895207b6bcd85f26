/** `sluice risk list|list-add|list-remove|exempt`: what risk rules are told at run time. */
import type { Command } from 'commander';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { formatId, parseId } from '../../../protocol/ids.ts';
import { REGISTRY_LIMITS } from '../../../protocol/registry-bodies.ts';
import { readMember } from '../../risk/subject-id.ts';
import { readCursor, readTime, readWhole } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { findAccountId } from '../find-account.ts';
import { command } from '../options.ts';
import { json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

interface ListOptions extends ConnectionOptions {
  readonly limit: string;
  readonly cursor?: string;
}

interface MemberOptions extends ConnectionOptions {
  readonly currency?: string;
}

interface ExemptOptions extends ConnectionOptions {
  readonly until: string;
  readonly currency?: string;
}

export function registerRiskLists(risk: Command, terminal: Terminal): void {
  const list = command(risk, 'list [name]', 'Show all lists that rules can name, or the members of one.', [
    'sluice risk list',
    'sluice risk list blocked-devices --limit 1000',
  ]);
  addConnectionOptions(list)
    .option('--limit <number>', 'Members on a page, 1 to 1000.', '100')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((name: string | undefined, options: ListOptions) => showList(name, options, terminal));
  change(risk, terminal, 'add');
  change(risk, terminal, 'remove');

  const exempt = command(risk, 'exempt <account> <rule>', 'Except a payer from a rule until a time, or end that.', [
    'sluice risk exempt alice new-device --currency EUR --until 2026-12-31',
    'sluice risk exempt alice new-device --currency EUR --until now',
  ]);
  addConnectionOptions(exempt)
    .requiredOption('--until <time>', 'RFC 3339 or a date, or "now" to end the exemption.')
    .option('--currency <code>', 'Which account of a name; needed when it has several.')
    .action((text: string, rule: string, options: ExemptOptions) => {
      const until = options.until === 'now' ? 0 : Number(readTime(options.until, 'the end'));
      return withClient(options, terminal, async (client) => {
        const accountId = formatId(await findAccountId(client, text, options.currency, terminal));
        expectOk(await client.registry('putRiskExemption', { accountId, rule, until }), terminal);
        const done = { accountId, rule, until: until === 0 ? null : new Date(until / 1000).toISOString() };
        const said = until === 0 ? 'counts again' : `does not count until ${done.until}`;
        terminal.output.write(options.json === true ? json(done) : `${rule} ${said} for ${text}.\n`);
      });
    });
}

function showList(name: string | undefined, options: ListOptions, terminal: Terminal): Promise<void> {
  const page = {
    cursor: Number(readCursor(options.cursor)),
    limit: readWhole(options.limit, 'the limit', 1, 1000),
  };
  return withClient(options, terminal, async (client) => {
    const reply = await client.registry('getRiskList', name === undefined ? page : { name, ...page });
    expectOk(reply, terminal);
    const { lists = [], members = [], nextCursor = 0 } = reply;
    if (options.json === true) {
      terminal.output.write(json(name === undefined ? { lists } : { name, members, nextCursor }));
    } else if (name === undefined) {
      const rows = lists.map((one) => [one.name, String(one.size)]);
      terminal.output.write(table([{ title: 'LIST' }, { title: 'MEMBERS', align: 'right' }], rows));
    } else {
      terminal.output.write(members.map((member) => `${member}\n`).join(''));
      if (nextCursor !== 0) terminal.errors.write(`There are more: add --cursor ${nextCursor}\n`);
    }
  });
}

const CHANGES = {
  add: { about: 'Add members to a list; the first makes it.', did: 'Added', where: 'to' },
  remove: { about: 'Remove members from a list.', did: 'Removed', where: 'from' },
} as const;

function change(risk: Command, terminal: Terminal, how: keyof typeof CHANGES): void {
  const { about, did, where } = CHANGES[how];
  const target = command(risk, `list-${how} <name> <members...>`, about, [
    `sluice risk list-${how} blocked-devices device:3f9c20 ip:203.0.113.7`,
    `sluice risk list-${how} trusted-payees cafe --currency EUR`,
  ]);
  addConnectionOptions(target)
    .option('--currency <code>', 'Which account of a name; needed when it has several.')
    .action((name: string, texts: readonly string[], options: MemberOptions) => {
      if (texts.length > REGISTRY_LIMITS.changesPerMessage) {
        throw new UsageError(`give at most ${REGISTRY_LIMITS.changesPerMessage} members at once`);
      }
      return withClient(options, terminal, async (client) => {
        const members: string[] = [];
        for (const text of texts) members.push(await memberOf(client, text, options.currency, terminal));
        const body = how === 'add' ? { name, add: members, remove: [] } : { name, add: [], remove: members };
        expectOk(await client.registry('putRiskList', body), terminal);
        const count = `${members.length} ${members.length === 1 ? 'member' : 'members'}`;
        terminal.output.write(options.json === true ? json({ ...body }) : `${did} ${count} ${where} ${name}.\n`);
      });
    });
}

/** Key of an account by its id or name, or of `device:…`, `ip:…`, `card:…`. */
async function memberOf(
  client: SluiceClient,
  text: string,
  currency: string | undefined,
  terminal: Terminal,
): Promise<string> {
  const isNamed = parseId(text) === undefined && !text.includes(':');
  const member = isNamed ? await findAccountId(client, text, currency, terminal) : readMember(text);
  if (member === undefined) throw new UsageError(`"${text}" is no account, and not device:…, ip:… or card:…`);
  return formatId(member);
}
