/**
 * The file that a card switch is set up with, YAML or JSON: who is connected how, where the money goes, whose cards are whose.
 *
 *     institution: 1
 *     keys: { file: keys.json, master: master.key }
 *     links:
 *       - { name: acquirer, role: acquirer, spec: iso87-ascii, listen: { port: 8583 } }
 *     settlement:
 *       acquirer: { accounts: { CNY: acquirer-settlement }, utcOffset: "+08:00" }
 *     cards: { tokenKey: pan-token, ranges: [{ from: "622848", cryptogramKey: imk }] }
 *
 * With issuers of other cards:
 *
 *     links:
 *       - { name: bank-b, role: issuer, spec: iso87-bcd, connect: { host: bank-b.example, port: 5000 } }
 *     settlement:
 *       bank-b: { accounts: { CNY: bank-b-settlement } }
 *     cards: { tokenKey: pan-token, queueKey: queue, ranges: [{ from: "4", issuer: bank-b }] }
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { currencyOfAlphabetic } from '../../../protocol/currencies.ts';
import { parseId, partyAccountId } from '../../../protocol/ids.ts';
import {
  type Checked,
  type CheckedFile,
  checkLinks,
  flattened,
  type Links,
  type Mistake,
  readCheckedFile,
} from '../link/links-file.ts';
import type { AcquirerBusiness, IssuerBusiness } from './business.ts';
import { CardRangeConfig, CardRanges, RANGES_MAX } from './card-ranges.ts';

export const UTC_OFFSET = /^[+-](0[0-9]|1[0-4]):[0-5][0-9]$/;
const KEY_ID = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, 'must be the id of a key of the vault');
const path = z.string().min(1).max(4096);
const HANDLE = /^[a-z0-9][a-z0-9._-]{0,62}$/;

const Pins = z.strictObject({
  key: KEY_ID,
  format: z.union([z.literal(0), z.literal(3), z.literal(4)]).default(0),
  dukpt: z.boolean().default(false),
});

const Settlement = z.strictObject({
  /** By alphabetic currency code: an account id, or the handle of a party of the institution. */
  accounts: z
    .record(
      z.string().refine((code) => currencyOfAlphabetic(code) !== undefined, 'is no currency'),
      z
        .string()
        .refine((text) => parseId(text) !== undefined || HANDLE.test(text), 'must be an account id or a handle'),
    )
    .refine((accounts) => Object.keys(accounts).length > 0, 'names no account'),
  pins: Pins.optional(),
  utcOffset: z.string().regex(UTC_OFFSET, 'must look like +08:00').default('+00:00'),
  authorisationHours: z.int().min(1).max(720).default(168),
});

const Shape = z.strictObject({
  /** In whose name card payments are made. */
  institution: z.int().min(1).max(0xffff_ffff).default(1),
  keys: z.strictObject({ file: path, master: path }),
  links: z.array(z.unknown()).min(1),
  settlement: z.record(z.string(), Settlement),
  cards: z.strictObject({
    tokenKey: KEY_ID,
    /** Seals what waits for an issuer (usage D0); needed with the first issuer. */
    queueKey: KEY_ID.optional(),
    ranges: z.array(CardRangeConfig).min(1).max(RANGES_MAX),
  }),
});

export interface TerminalSetup {
  readonly institution: number;
  /** Paths of the key file and of the file with its master key. */
  readonly keys: { readonly file: string; readonly master: string };
  readonly links: Links;
  readonly acquirers: ReadonlyMap<string, AcquirerBusiness>;
  readonly issuers: ReadonlyMap<string, IssuerBusiness>;
  readonly tokenKey: string;
  /** There when there are issuers. */
  readonly queueKey: string | undefined;
  readonly ranges: CardRanges;
}

export function readTerminalFile(file: string): CheckedFile<TerminalSetup> {
  return readCheckedFile(file, checkTerminalSetup);
}

/** @param directory what paths start from */
export function checkTerminalSetup(content: unknown, directory: string): Checked<TerminalSetup> {
  const parsed = Shape.safeParse(content);
  const links = checkLinks({ links: linksOf(content) }, directory);
  const mistakes: Mistake[] = 'mistakes' in links ? [...links.mistakes] : [];
  if (!parsed.success) mistakes.push(...parsed.error.issues.flatMap(flattened));
  if (!parsed.success || 'mistakes' in links) return { mistakes };
  const { institution, keys, settlement, cards } = parsed.data;
  const ranges = CardRanges.of(cards.ranges);
  if ('problem' in ranges) return { mistakes: [{ path: ['cards', 'ranges', ranges.index], message: ranges.problem }] };
  const { acquirers, issuers } = links.value;
  const names = [...acquirers, ...issuers].map(({ name }) => name);
  for (const name of names) {
    if (!Object.hasOwn(settlement, name)) mistakes.push({ path: ['settlement'], message: `link ${name} is missing` });
  }
  for (const name of Object.keys(settlement)) {
    if (!names.includes(name)) mistakes.push({ path: ['settlement', name], message: 'there is no link of this name' });
  }
  for (const { name } of issuers) {
    if (name.length > QUEUE_NAME_MAX) {
      mistakes.push({
        path: ['links'],
        message: `${name}: names of issuers have ${QUEUE_NAME_MAX} characters at most`,
      });
    }
  }
  if (issuers.length > 0 && cards.queueKey === undefined) {
    mistakes.push({ path: ['cards'], message: 'queueKey is missing: what waits for an issuer is kept sealed' });
  }
  for (const [index, range] of cards.ranges.entries()) {
    if ('issuer' in range && !issuers.some(({ name }) => name === range.issuer)) {
      mistakes.push({
        path: ['cards', 'ranges', index, 'issuer'],
        message: `there is no link to an issuer ${range.issuer}`,
      });
    }
  }
  mistakes.push(...sharedAccounts(settlement));
  if (mistakes.length > 0) return { mistakes };
  const accountsOf = (name: string): Map<number, bigint> => accountsBy(institution, settlement[name]?.accounts ?? {});
  return {
    value: Object.freeze({
      institution,
      keys: { file: resolve(directory, keys.file), master: resolve(directory, keys.master) },
      links: links.value,
      tokenKey: cards.tokenKey,
      queueKey: cards.queueKey,
      ranges,
      issuers: new Map(
        issuers.map(({ name }) => [name, { settlement: accountsOf(name), pins: settlement[name]?.pins }]),
      ),
      acquirers: new Map(
        acquirers.map(({ name }) => {
          const { pins, utcOffset = '+00:00', authorisationHours = 168 } = settlement[name] ?? {};
          const business = {
            ...{ settlement: accountsOf(name), pins },
            ...{ utcOffsetMinutes: minutesOf(utcOffset), authorisationSeconds: authorisationHours * SECONDS_PER_HOUR },
          };
          return [name, business];
        }),
      ),
    }),
  };
}

const SECONDS_PER_HOUR = 3600;
/** What waits for an issuer is in a queue of its name. */
const QUEUE_NAME_MAX = 32;

function linksOf(content: unknown): unknown {
  return typeof content === 'object' && content !== null && 'links' in content ? content.links : undefined;
}

function accountsBy(institution: number, accounts: Readonly<Record<string, string>>): Map<number, bigint> {
  return new Map(
    Object.entries(accounts).map(([alphabetic, text]) => {
      const ledger = currencyOfAlphabetic(alphabetic)?.numeric ?? 0;
      return [ledger, parseId(text) ?? partyAccountId(institution, text, ledger)];
    }),
  );
}

/** Totals of a day are those of an account: two links cannot have one. */
function sharedAccounts(
  settlement: Readonly<Record<string, { readonly accounts: Record<string, string> }>>,
): Mistake[] {
  const owners = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [name, { accounts }] of Object.entries(settlement)) {
    for (const [currency, account] of Object.entries(accounts)) {
      const key = `${currency} ${account}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, name);
      else
        mistakes.push({ path: ['settlement', name, 'accounts', currency], message: `is the account of ${owner} too` });
    }
  }
  return mistakes;
}

/** Minutes of an offset such as `+08:00`. */
export function minutesOf(offset: string): number {
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
