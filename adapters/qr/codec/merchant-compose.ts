/** The fields of a merchant-presented code from what they mean: names and fields together, in the order that is wanted. */
import { currencyOfAlphabetic } from '../../../protocol/currencies.ts';
import { type QrError, type QrResult, refuse } from './findings.ts';
import type { QrField } from './merchant-code.ts';
import { MERCHANT_PROFILES, type MerchantProfileName, type SchemeProfile } from './profiles.ts';

/** Values by id, templates as further objects. */
export interface ComposeTree {
  readonly [id: string]: string | ComposeTree | readonly ComposeTree[];
}

/** Null and undefined: not given. */
export interface MerchantInput {
  readonly profile?: MerchantProfileName | undefined;
  readonly pointOfInitiation?: 'static' | 'dynamic' | null | undefined;
  /** As it is to be written: `98.73`. */
  readonly amount?: string | null | undefined;
  /** `CNY` or `156`. */
  readonly currency?: string | null | undefined;
  readonly country?: string | null | undefined;
  readonly merchantName?: string | null | undefined;
  readonly merchantCity?: string | null | undefined;
  readonly postalCode?: string | null | undefined;
  readonly mcc?: string | null | undefined;
  readonly tip?:
    | { readonly kind: 'prompt' }
    | { readonly kind: 'fixed'; readonly amount: string }
    | { readonly kind: 'percentage'; readonly percent: string }
    | null
    | undefined;
  readonly fields?: ComposeTree | undefined;
  /** Paths in the order that is wanted; what it does not name comes behind, by id. */
  readonly order?: readonly string[] | undefined;
}

const FORMAT = '01';
const UNKNOWN_CATEGORY = '0000';
const DEPTH_MAX = 3;

type Level = Map<string, string | Level>;

/** Puts together names, fields and what the profile knows (its identifier, its country, its only currency). */
export function composeMerchant(input: MerchantInput): QrResult<readonly QrField[]> {
  const level = levelOf(input.fields ?? {}, '', 1);
  if (!(level instanceof Map)) return { ok: false, error: level };
  const currency = numberOf(input.currency);
  if (currency === undefined) {
    return refuse(
      'badCurrency',
      'currency',
      0,
      `"${input.currency}" is no currency of ISO 4217, for example CNY or 156`,
    );
  }
  for (const [id, name, value] of named(input, currency)) {
    if (value === null || value === undefined) continue;
    const before = level.get(id);
    if (before !== undefined && before !== value) {
      const message = `${name} is "${value}", but field ${id} is ${typeof before === 'string' ? `"${before}"` : 'a template'}`;
      return refuse('conflict', id, 0, message);
    }
    level.set(id, value);
  }
  addDefaults(level, input.profile);
  return {
    ok: true,
    value: fieldsOfLevel(level, '', new Map((input.order ?? []).map((path, place) => [path, place]))),
  };
}

function levelOf(tree: ComposeTree, parent: string, depth: number): Level | QrError {
  const level: Level = new Map();
  for (const [id, value] of Object.entries(tree)) {
    const path = parent === '' ? id : `${parent}.${id}`;
    if (!/^\d\d$/.test(id)) return refuse('badId', path, 0, `"${id}" is not the id of a field: two digits`).error;
    if (typeof value === 'string') {
      level.set(id, value);
      continue;
    }
    if (isList(value)) return refuse('badTemplate', path, 0, `field ${path} is text or an object, not a list`).error;
    if (depth === DEPTH_MAX) return refuse('badTemplate', path, 0, `templates are at most ${DEPTH_MAX - 1} deep`).error;
    const inner = levelOf(value, path, depth + 1);
    if (!(inner instanceof Map)) return inner;
    level.set(id, inner);
  }
  return level;
}

function isList(value: ComposeTree | readonly ComposeTree[]): value is readonly ComposeTree[] {
  return Array.isArray(value);
}

type Named = readonly [id: string, name: string, value: string | null | undefined];

function named(input: MerchantInput, currency: string | null): readonly Named[] {
  const { tip, pointOfInitiation: initiation } = input;
  return [
    ['01', 'pointOfInitiation', initiation === 'static' ? '11' : initiation === 'dynamic' ? '12' : null],
    ['52', 'mcc', input.mcc],
    ['53', 'currency', currency],
    ['54', 'amount', input.amount],
    ['55', 'tip.kind', tip === null || tip === undefined ? null : TIP_INDICATORS[tip.kind]],
    ['56', 'tip.amount', tip?.kind === 'fixed' ? tip.amount : null],
    ['57', 'tip.percent', tip?.kind === 'percentage' ? tip.percent : null],
    ['58', 'country', input.country],
    ['59', 'merchantName', input.merchantName],
    ['60', 'merchantCity', input.merchantCity],
    ['61', 'postalCode', input.postalCode],
  ];
}

const TIP_INDICATORS = { prompt: '01', fixed: '02', percentage: '03' } as const;

/** The number of a currency; null when none is given, undefined when there is none. */
function numberOf(currency: string | null | undefined): string | null | undefined {
  if (currency === null || currency === undefined) return null;
  if (/^\d{3}$/.test(currency)) return currency;
  const found = currencyOfAlphabetic(currency.toUpperCase());
  return found === undefined ? undefined : String(found.numeric).padStart(3, '0');
}

function addDefaults(level: Level, name: MerchantProfileName | undefined): void {
  const add = (id: string, value: string | undefined): void => {
    if (value !== undefined && !level.has(id)) level.set(id, value);
  };
  add('00', FORMAT);
  if (name === undefined || name === 'emvco') return;
  const profile: SchemeProfile = MERCHANT_PROFILES[name];
  add('58', profile.country);
  if (profile.currencies?.length === 1) add('53', profile.currencies[0]);
  if (!profile.optional.includes(52)) add('52', UNKNOWN_CATEGORY);
  if (profile.written === undefined) return;
  const { id, guid } = profile.written;
  const account = level.get(id);
  const isOpen = account instanceof Map && !account.has('00') && !hasOtherAccount(level, id);
  if (isOpen) account.set('00', guid);
}

/** Whether another account template already says whose it is: then nothing is known about this one. */
function hasOtherAccount(level: Level, own: string): boolean {
  for (const [id, value] of level) {
    if (id !== own && value instanceof Map && Number(id) >= 26 && Number(id) <= 51 && value.has('00')) return true;
  }
  return false;
}

function fieldsOfLevel(level: Level, parent: string, places: ReadonlyMap<string, number>): readonly QrField[] {
  const place = (id: string): number => places.get(parent + id) ?? places.size + Number(id);
  return [...level]
    .sort(([one], [other]) => place(one) - place(other))
    .map(([id, value]) => ({
      id,
      value: typeof value === 'string' ? value : fieldsOfLevel(value, `${parent}${id}.`, places),
    }));
}
