/**
 * What merchants ask to be paid by QR code: orders (one code for one payment of a fixed amount) and counters (a code that hangs there, and is
 * paid by many). Bodies of the commands, and both as they stand.
 */
import { flag, idText, integer, list, matching, type ObjectOf, object, oneOf, optional, text } from './body-fields.ts';
import { deriveId, type Id } from './ids.ts';
import { LIMITS } from './limits.ts';

export const ORDER_LIMITS = {
  /** How far ahead an order may expire: 7 days. */
  lifetimeMicrosMax: 604_800_000_000,
  titleBytes: 128,
  countersPerParty: 200,
  counterNameBytes: 64,
  /** Hundredths of a percent. */
  tipPercentMax: 10_000,
  /** How long a payment that was never seen keeps others from paying: 30 seconds. */
  claimMicros: 30_000_000,
} as const;

const microseconds = integer(0, Number.MAX_SAFE_INTEGER);
const amount = integer(1, LIMITS.amountMax);
const handle = matching(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  'a handle: 1 to 64 of a-z 0-9 . _ - that begins with a letter or digit',
);
/** ISO 4217 numeric codes have three digits. */
const ledger = integer(1, 999);
/** As the bill number of a code (EMVCo QRCPS-MPM, 62.01). */
const number = matching(/^[A-Za-z0-9._-]{1,25}$/, 'a number: 1 to 25 of A-Z a-z 0-9 . _ -');
const counterName = matching(/^[a-z0-9][a-z0-9-]{0,19}$/, 'a counter: 1 to 20 of a-z 0-9 -');
const degrees = (most: number) => integer(-most * 1_000_000, most * 1_000_000);
const place = { latitude: degrees(90), longitude: degrees(180) };

/** EMVCo QRCPS-MPM, 55 to 57: the payer is asked (`value` 0), or adds a fixed amount (minor units), or hundredths of a percent. */
const TIP_FIELDS = { kind: oneOf('ask', 'fixed', 'percent'), value: integer(0, LIMITS.amountMax) };
const tip = object(TIP_FIELDS, 'refused');

const counter = object(
  {
    counter: counterName,
    /** For people: where it hangs. */
    name: text(0, ORDER_LIMITS.counterNameBytes),
    state: oneOf('open', 'closed'),
    /** In 1e-6 degrees, north and east positive. */
    place: optional(object(place, 'refused')),
    tip: optional(tip),
  },
  'refused',
);

/** The circumstances of a payment by QR code, for the risk rules: as in RISK_CONTEXT. */
const risk = object(
  {
    device: optional(idText()),
    ip: optional(idText()),
    country: optional(matching(/^[A-Z]{2}$/, 'two capital letters')),
    /** Of an order: 1 = A … 4 = D. A counter is always D. */
    codeTier: optional(integer(1, 4)),
    place: optional(object(place, 'refused')),
  },
  'refused',
);

export const PUT_ORDER_FIELDS = {
  /** The payee, and the currency of its account. */
  handle,
  ledger,
  /** Yours: unique among the payee's orders, and where it is paid the reference of the payment. */
  number,
  amount,
  title: text(0, ORDER_LIMITS.titleBytes),
  /** Microseconds since 1970; at most 7 days ahead. */
  expiresAt: microseconds,
  tip: optional(tip),
};

export const READ_ORDER_FIELDS = { id: idText() };

export const CHANGE_ORDER_FIELDS = {
  id: idText(),
  /** close: nobody can pay it any more. The others are the switch's own: claim, settle, fail. */
  action: oneOf('close', 'claim', 'settle', 'fail'),
  paymentId: optional(idText()),
  payerAccountId: optional(idText()),
  /** What the payer adds. */
  tip: optional(integer(0, LIMITS.amountMax)),
};

export const PAY_ORDER_FIELDS = {
  id: idText(),
  /** Chosen by the caller; the id of the payment. */
  paymentId: idText(),
  payerAccountId: idText(),
  tip: integer(0, LIMITS.amountMax),
  risk: optional(risk),
};

export const REFUND_ORDER_FIELDS = {
  id: idText(),
  /** Chosen by the caller; the id of the refund. */
  refundId: idText(),
  /** Minor units; 0 = all that is left. */
  amount: integer(0, LIMITS.amountMax),
};

export const PUT_COUNTERS_FIELDS = {
  handle,
  /** What codes say of the place; EMVCo QRCPS-MPM, 60 and 58. */
  city: text(1, 15),
  country: matching(/^[A-Z]{2}$/, 'two capital letters'),
  counters: list(counter, ORDER_LIMITS.countersPerParty),
};

export const GET_COUNTERS_FIELDS = { handle };

export const PAY_COUNTER_FIELDS = {
  handle,
  counter: counterName,
  paymentId: idText(),
  payerAccountId: idText(),
  ledger,
  amount,
  tip: integer(0, LIMITS.amountMax),
  /** The code came as a picture or a link, and was not scanned where it hangs. */
  isRemote: flag(),
  /** Empty or left out for none. */
  reference: optional(text(0, LIMITS.referenceBytesMax)),
  risk: optional(risk),
};

export const order = object(
  {
    ...PUT_ORDER_FIELDS,
    /** `orderId`. */
    id: idText(),
    institution: integer(0, 0xffff_ffff),
    accountId: idText(),
    state: oneOf('open', 'paying', 'paid', 'closed', 'expired'),
    /** Of the payment that is paying it, or has. */
    paymentId: optional(idText()),
    payerAccountId: optional(idText()),
    tipped: optional(integer(0, LIMITS.amountMax)),
    createdAt: microseconds,
    updatedAt: microseconds,
  },
  'dropped',
);

export const counters = object(
  {
    ...PUT_COUNTERS_FIELDS,
    institution: integer(0, 0xffff_ffff),
    updatedAt: microseconds,
  },
  'dropped',
);

/** What became of the payment that was asked for. */
export const qrPayment = object({ id: idText(), state: text(1, 32) }, 'dropped');

/** What a payer of `amount` adds by the terms of a code; undefined when it is his to say. Minor units; halves are rounded up. */
export function tipOf(terms: ObjectOf<typeof TIP_FIELDS> | undefined, amountMinor: number): number | undefined {
  switch (terms?.kind) {
    case undefined:
      return 0;
    case 'ask':
      return undefined;
    case 'fixed':
      return terms.value;
    case 'percent': {
      const share = BigInt(amountMinor) * BigInt(terms.value);
      return Number((share + HALF_PERCENT_BASE) / (2n * HALF_PERCENT_BASE));
    }
  }
}

const HALF_PERCENT_BASE = 5000n;

/** The id of an order: its payee's institution, handle, and number say it. */
export function orderId(institution: number, payee: string, orderNumber: string): Id {
  return deriveId('order', String(institution), payee, orderNumber);
}
