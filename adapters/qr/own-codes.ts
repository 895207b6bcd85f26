/**
 * The switch's own codes on EMVCo's merchant-presented format, profile `sluice`: what an order or a counter shows, and what a code that was read
 * stands for. Account template 26: 00 `com.sluice.pay`, 01 `S` (counter) or `O` (order), 02 handle or id of the order, 03 counter.
 */
import { currencyOfNumeric } from '../../protocol/currencies.ts';
import { parseId } from '../../protocol/ids.ts';
import type { StoredOrder } from '../../protocol/registry-bodies.ts';
import { encodeConsumer } from './codec/consumer-code.ts';
import type { QrCode } from './codec/decode.ts';
import { documentOf } from './codec/document.ts';
import { encodeQr } from './codec/encode.ts';
import type { QrResult } from './codec/findings.ts';
import { textOf } from './codec/text-of.ts';

/** Who is paid, as codes tell it. */
export interface CodeMerchant {
  readonly handle: string;
  /** May be empty: then the handle stands in its place. */
  readonly name: string;
  readonly city: string;
  readonly country: string;
  readonly mcc: number;
}

type TipTerms = StoredOrder['tip'];

/** What a code of the switch itself stands for. */
export type OwnCode =
  | { readonly kind: 'order'; readonly id: string }
  | {
      readonly kind: 'counter';
      readonly handle: string;
      readonly counter: string;
      readonly ledger: number;
      /** Minor units; null: the payer says how much. */
      readonly amount: number | null;
    };

const NAME_MAX = 25;
const ACCOUNT = '26';
const UNKNOWN_CATEGORY = '0000';
/** A proprietary identifier (ISO/IEC 7816-5: those that begin with F belong to nobody). */
const APPLICATION = Buffer.from('\u00f0SLUICE', 'latin1');

/** The code of a counter, in one currency. */
export function counterCode(
  merchant: CodeMerchant,
  counter: { readonly counter: string; readonly tip?: TipTerms },
  ledger: number,
): QrResult<string> {
  return written(merchant, ledger, counter.tip, {
    pointOfInitiation: 'static',
    fields: { [ACCOUNT]: { '01': 'S', '02': merchant.handle, '03': counter.counter } },
  });
}

/** The code of an order. */
export function orderCode(merchant: CodeMerchant, order: StoredOrder): QrResult<string> {
  return written(merchant, order.ledger, order.tip, {
    pointOfInitiation: 'dynamic',
    amount: amountText(order.amount, order.ledger),
    fields: { [ACCOUNT]: { '01': 'O', '02': order.id }, '62': { '01': order.number } },
  });
}

/** What a code stands for, if it is one of the switch's own; undefined for all others. */
export function readOwnCode(code: QrCode): OwnCode | undefined {
  if (code.kind !== 'merchant' || code.profile !== 'sluice' || code.account === null) return undefined;
  const account = documentOf(code).fields[code.account];
  if (typeof account !== 'object' || Array.isArray(account)) return undefined;
  const { '01': kind, '02': name, '03': counter } = account as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') return undefined;
  if (kind === 'O') return parseId(name) === undefined ? undefined : { kind: 'order', id: name };
  if (typeof counter !== 'string') return undefined;
  const amount = code.amountMinor === 0 ? null : code.amountMinor;
  return { kind: 'counter', handle: name, counter, ledger: Number(code.currency), amount };
}

/**
 * A payer's code as EMVCo's consumer-presented code: application `F0 SLUICE`, account (5A) the digits.
 *
 * @param digits 18, of `payerCodeDigits`
 */
export function consumerCode(digits: string): QrResult<string> {
  const value = [
    { tag: '4F', value: APPLICATION },
    { tag: '5A', value: Buffer.from(digits, 'hex') },
  ];
  const code = encodeConsumer([
    { tag: '85', value: Buffer.from('CPV01') },
    { tag: '61', value },
  ]);
  return code.ok ? { ok: true, value: code.value.text } : code;
}

/** The digits of a payer's code of the switch, in whichever form it was read; undefined for all others. */
export function readPayerCode(code: QrCode): string | undefined {
  if (code.kind === 'barcode') return code.profile === 'sluice' ? code.digits : undefined;
  if (code.kind !== 'consumer') return undefined;
  for (const { tag, value } of code.fields) {
    if (tag !== '61' || value instanceof Uint8Array) continue;
    const part = (wanted: string): string => {
      const bytes = value.find(({ tag: found }) => found === wanted)?.value;
      return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : '';
    };
    if (part('4F') === APPLICATION.toString('hex')) return part('5A');
  }
  return undefined;
}

function written(
  { name, handle, city, country, mcc }: CodeMerchant,
  ledger: number,
  tip: TipTerms,
  rest: object,
): QrResult<string> {
  const code = encodeQr({
    ...{ kind: 'merchant', profile: 'sluice', country, merchantCity: city },
    merchantName: shortened(name === '' ? handle : name),
    mcc: mcc === 0 ? UNKNOWN_CATEGORY : String(mcc).padStart(4, '0'),
    currency: String(ledger).padStart(3, '0'),
    ...(tip === undefined ? {} : { tip: tipInput(tip, ledger) }),
    ...rest,
  });
  return code.ok ? { ok: true, value: textOf(code.value) } : code;
}

function tipInput(tip: NonNullable<TipTerms>, ledger: number) {
  if (tip.kind === 'ask') return { kind: 'prompt' };
  if (tip.kind === 'fixed') return { kind: 'fixed', amount: amountText(tip.value, ledger) };
  return { kind: 'percentage', percent: (tip.value / 100).toFixed(2) };
}

/** As many characters as a code has room for; none is cut in two. */
function shortened(name: string): string {
  const characters = [...name];
  return characters.length <= NAME_MAX ? name : characters.slice(0, NAME_MAX).join('').trim();
}

function amountText(minor: number, ledger: number): string {
  const digits = currencyOfNumeric(ledger)?.minorUnits ?? 0;
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
