/** Amount and tip of a merchant-presented code: fields 53 to 57, which need each other. */
import { currencyOfNumeric } from '../../../protocol/currencies.ts';
import { AMOUNT_LENGTH_MAX, readAmountText } from './amount-text.ts';
import type { QrError } from './findings.ts';
import type { Tip } from './merchant-code.ts';
import type { MerchantJudge } from './merchant-judge.ts';
import type { TlvNode } from './merchant-text.ts';

const PERCENT_LENGTH_MAX = 5;
/** 100 % in hundredths of one. */
const WHOLE = 10_000;

/** The fields by their ids; undefined where the code has none. */
export interface AmountFields {
  readonly currency: TlvNode;
  readonly amount: TlvNode | undefined;
  readonly tipIndicator: TlvNode | undefined;
  readonly tipFixed: TlvNode | undefined;
  readonly tipPercentage: TlvNode | undefined;
}

export interface Amounts {
  readonly amountMinor: number | null;
  readonly tip: Tip | null;
}

export type AmountsReading = { readonly error: QrError } | (Amounts & { readonly error?: undefined });

const NOTHING: Amounts = { amountMinor: null, tip: null };

export function readAmounts(judge: MerchantJudge, fields: AmountFields): AmountsReading {
  const { currency, amount } = fields;
  const decimals = currencyOfNumeric(numberAt(judge.text, currency))?.minorUnits;
  if (decimals === undefined) {
    const code = judge.text.slice(currency.from, currency.to);
    return { error: judge.refuse('badCurrency', '53', currency.from, `no money is kept in a currency ${code}`) };
  }
  let amountMinor: number | null = null;
  if (amount !== undefined && amount.from < amount.to) {
    const minor = readMoney(judge, amount, '54', decimals);
    if (typeof minor !== 'number') return { error: minor };
    amountMinor = minor;
  }
  if (fields.tipIndicator === undefined && fields.tipFixed === undefined && fields.tipPercentage === undefined) {
    return amountMinor === null ? NOTHING : { amountMinor, tip: null };
  }
  const tip = readTip(judge, fields, decimals);
  return 'code' in tip ? { error: tip } : { amountMinor, tip };
}

function readTip(judge: MerchantJudge, fields: AmountFields, decimals: number): Tip | QrError {
  const { text } = judge;
  const { tipIndicator, tipFixed, tipPercentage } = fields;
  if (tipIndicator === undefined) {
    const found = tipFixed ?? tipPercentage ?? fields.currency;
    const message = `field ${found.id} needs field 55, which says what it means`;
    return judge.refuse('missingField', '55', found.at, message);
  }
  const value = text.slice(tipIndicator.from, tipIndicator.to);
  if (value !== '01' && value !== '02' && value !== '03') {
    const message = `field 55 is 01 (ask the payer), 02 (fixed) or 03 (percentage), not "${value}"`;
    return judge.refuse('badValue', '55', tipIndicator.from, message);
  }
  if (value !== '02' && tipFixed !== undefined) return unexpected(judge, tipFixed, value);
  if (value !== '03' && tipPercentage !== undefined) return unexpected(judge, tipPercentage, value);
  if (value === '01') return { kind: 'prompt' };
  if (value === '02') {
    if (tipFixed === undefined) return absent(judge, tipIndicator, '56', value);
    const amountMinor = readMoney(judge, tipFixed, '56', decimals);
    if (typeof amountMinor !== 'number') return amountMinor;
    return { kind: 'fixed', amount: text.slice(tipFixed.from, tipFixed.to), amountMinor };
  }
  if (tipPercentage === undefined) return absent(judge, tipIndicator, '57', value);
  return readPercentage(judge, tipPercentage);
}

/** Field 57: `00.01` to `99.99`. */
function readPercentage(judge: MerchantJudge, node: TlvNode): Tip | QrError {
  const percent = judge.text.slice(node.from, node.to);
  const reading = readAmountText(judge.text, node.from, node.to, 2);
  const isFine = reading.ok && percent.length <= PERCENT_LENGTH_MAX && reading.minor > 0 && reading.minor < WHOLE;
  if (isFine) return { kind: 'percentage', percent, basisPoints: reading.minor };
  return judge.refuse('badValue', '57', node.from, `field 57 is a percentage from 0.01 to 99.99, not "${percent}"`);
}

/** An amount in minor units, or what is wrong with it. */
function readMoney(judge: MerchantJudge, { from, to }: TlvNode, path: string, decimals: number): number | QrError {
  const value = judge.text.slice(from, to);
  if (to - from > AMOUNT_LENGTH_MAX) {
    return judge.refuse(
      'longValue',
      path,
      from,
      `an amount has at most ${AMOUNT_LENGTH_MAX} characters, not ${to - from}`,
    );
  }
  const reading = readAmountText(judge.text, from, to, decimals);
  if (!reading.ok) return judge.refuse(reading.code, path, reading.at, `"${value}": ${reading.message}`);
  let problem: QrError | undefined;
  if (reading.excess > 0) {
    const message = `"${value}" has ${reading.excess} more decimals than its currency`;
    problem = judge.unless('badDecimals', 'badDecimals', path, from, message);
  }
  if (reading.minor === 0) problem ??= judge.unless('zeroAmount', 'zeroAmount', path, from, `the amount is "${value}"`);
  return problem ?? reading.minor;
}

function unexpected(judge: MerchantJudge, node: TlvNode, indicator: string): QrError {
  const message = `field ${node.id} does not go with ${indicator} in field 55`;
  return judge.refuse('unexpectedField', String(node.id), node.at, message);
}

function absent(judge: MerchantJudge, indicator: TlvNode, path: string, value: string): QrError {
  return judge.refuse('missingField', path, indicator.at, `field 55 says ${value}, which needs field ${path}`);
}

/** Three digits that were checked to be some. */
function numberAt(text: string, { from, to }: TlvNode): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - 0x30;
  return value;
}
