/**
 * Merchants and their counters as CSV (RFC 4180), one line for each counter; what is the merchant's stands on each of its lines:
 *
 *   handle,name,mcc,currencies,city,country,counter,counter_name,state,place,tip
 *   teahouse,Old Tea House,5814,CNY HKD,SHANGHAI,CN,till-1,Entrance,open,31.230000 121.470000,percent 1000
 *
 * `place` is latitude and longitude in degrees; `tip` is `ask`, `fixed` with minor units, or `percent` with hundredths of a percent; both may be empty.
 */
import type { PartyBody } from '../../protocol/bodies.ts';
import { currencyOfAlphabetic, currencyOfNumeric } from '../../protocol/currencies.ts';
import { parsePartyBody } from '../../protocol/parse-bodies.ts';
import { parseRegistryBody, type PutCountersBody } from '../../protocol/registry-bodies.ts';
import { CsvError, type CsvRecord, readCsv } from '../reconcile/csv.ts';

export interface MerchantEntry {
  readonly party: PartyBody;
  readonly counters: PutCountersBody;
}

export type MerchantFile =
  | { readonly ok: true; readonly merchants: readonly MerchantEntry[] }
  /** Each with the line that it is about. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

type Counter = PutCountersBody['counters'][number];

const COLUMNS = [
  ...['handle', 'name', 'mcc', 'currencies', 'city', 'country'],
  ...['counter', 'counter_name', 'state', 'place', 'tip'],
] as const;
/** The columns of the merchant itself. */
const OF_MERCHANT = 6;
const MICRODEGREES = 1_000_000;
const MISTAKES_MAX = 20;

/** Everything in the file is checked before anything is said to be right. */
export function readMerchants(text: string): MerchantFile {
  let records: CsvRecord[];
  try {
    records = [...readCsv(text)];
  } catch (error) {
    if (error instanceof CsvError) return { ok: false, mistakes: [error.message] };
    throw error;
  }
  const [head, ...lines] = records;
  if (head === undefined || head.fields.join() !== COLUMNS.join()) {
    return { ok: false, mistakes: [`line 1: the columns must be ${COLUMNS.join(',')}`] };
  }
  const mistakes: string[] = [];
  const byHandle = new Map<string, { readonly first: CsvRecord; readonly counters: Counter[] }>();
  for (const record of lines) {
    const wrong = takeLine(record, byHandle);
    if (wrong !== undefined) mistakes.push(`line ${record.line}: ${wrong}`);
    if (mistakes.length === MISTAKES_MAX) return { ok: false, mistakes };
  }
  const merchants = [...byHandle.values()].flatMap(({ first, counters }) => {
    const entry = entryOf(first, counters);
    if (typeof entry !== 'string') return [entry];
    mistakes.push(`line ${first.line}: ${entry}`);
    return [];
  });
  return mistakes.length === 0 ? { ok: true, merchants } : { ok: false, mistakes };
}

export function writeMerchants(merchants: readonly MerchantEntry[]): string {
  const lines = merchants.flatMap(({ party, counters }) =>
    counters.counters.map(({ counter, name, state, place, tip }) => [
      ...[party.handle, party.name, String(party.mcc).padStart(4, '0')],
      party.ledgers.map((ledger) => currencyOfNumeric(ledger)?.alphabetic ?? String(ledger)).join(' '),
      ...[counters.city, counters.country, counter, name, state],
      place === undefined ? '' : `${degrees(place.latitude)} ${degrees(place.longitude)}`,
      tip === undefined ? '' : tip.kind === 'ask' ? 'ask' : `${tip.kind} ${tip.value}`,
    ]),
  );
  return [COLUMNS, ...lines].map((fields) => `${fields.map(quoted).join()}\r\n`).join('');
}

type ByHandle = Map<string, { readonly first: CsvRecord; readonly counters: Counter[] }>;

function takeLine(record: CsvRecord, byHandle: ByHandle): string | undefined {
  const { fields } = record;
  if (fields.length !== COLUMNS.length) return `has ${fields.length} fields, not ${COLUMNS.length}`;
  const [handle = ''] = fields;
  const counter = counterOf(fields.slice(OF_MERCHANT));
  if (typeof counter === 'string') return counter;
  const known = byHandle.get(handle);
  if (known === undefined) {
    byHandle.set(handle, { first: record, counters: [counter] });
    return undefined;
  }
  const differs = COLUMNS.slice(0, OF_MERCHANT).find((_, at) => fields[at] !== known.first.fields[at]);
  if (differs !== undefined) return `${differs} of ${handle} is another one on line ${known.first.line}`;
  if (known.counters.some(({ counter: name }) => name === counter.counter)) {
    return `${handle} has the counter ${counter.counter} twice`;
  }
  known.counters.push(counter);
  return undefined;
}

function counterOf([counter = '', name = '', state = '', place = '', tip = '']: readonly string[]): Counter | string {
  if (state !== 'open' && state !== 'closed') return `state is "${state}", not open or closed`;
  const at = /^(-?\d{1,2}(?:\.\d{1,6})?) (-?\d{1,3}(?:\.\d{1,6})?)$/.exec(place);
  if (place !== '' && at === null) return `place is "${place}", not latitude and longitude as 31.23 121.47`;
  const terms = /^(?:(ask)|(fixed|percent) (\d{1,16}))$/.exec(tip);
  if (tip !== '' && terms === null) return `tip is "${tip}", not ask, fixed or percent with a number`;
  return {
    ...{ counter, name, state },
    ...(at === null
      ? {}
      : {
          place: {
            latitude: Math.round(Number(at[1]) * MICRODEGREES),
            longitude: Math.round(Number(at[2]) * MICRODEGREES),
          },
        }),
    ...(terms === null
      ? {}
      : { tip: { kind: (terms[1] ?? terms[2]) as NonNullable<Counter['tip']>['kind'], value: Number(terms[3] ?? 0) } }),
  };
}

/** A whole merchant, or what is wrong with it. */
function entryOf({ fields }: CsvRecord, counters: readonly Counter[]): MerchantEntry | string {
  const [handle = '', name = '', mcc = '', currencies = '', city = '', country = ''] = fields;
  const known = currencies.split(' ').map((code) => currencyOfAlphabetic(code)?.numeric);
  const ledgers = known.filter((ledger) => ledger !== undefined);
  if (ledgers.length !== known.length) return `currencies are "${currencies}", not codes of ISO 4217 with spaces`;
  if (!/^\d{4}$/.test(mcc)) return `mcc is "${mcc}", not four digits`;
  const party = parsePartyBody({ handle, kind: 'merchant', name, ledgers, mcc: Number(mcc) });
  if (!party.ok) return `${party.path} ${party.message}`;
  const checked = parseRegistryBody('putCounters', { handle, city, country, counters });
  return checked.ok ? { party: party.value, counters: checked.value } : `${checked.path} ${checked.message}`;
}

function degrees(micro: number): string {
  return (micro / MICRODEGREES).toFixed(6);
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
