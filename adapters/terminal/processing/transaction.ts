/** Kinds of card transactions by the first two digits of DE3 (ISO 8583:1987, table A.5 and its private range). */
export const TRANSACTIONS = {
  '00': 'purchase',
  '01': 'cash',
  '09': 'cashback',
  '20': 'refund',
  '21': 'deposit',
  '28': 'payment',
  '30': 'balance',
  '31': 'balance',
  '40': 'transfer',
} as const;

export type TransactionName = (typeof TRANSACTIONS)[keyof typeof TRANSACTIONS];

export function transactionOf(processingCode: string): TransactionName | undefined {
  const kind = processingCode.slice(0, 2);
  return isKnown(kind) ? TRANSACTIONS[kind] : undefined;
}

function isKnown(kind: string): kind is keyof typeof TRANSACTIONS {
  return Object.hasOwn(TRANSACTIONS, kind);
}

/** Whether the cardholder's account is debited. */
export function isDebit(name: TransactionName): boolean {
  return name === 'purchase' || name === 'cash' || name === 'cashback' || name === 'payment';
}

/** Whether the cardholder's account is credited. */
export function isCredit(name: TransactionName): boolean {
  return name === 'refund' || name === 'deposit';
}

/** How the card was read: the first two digits of DE22. */
export const ENTRY_MODES = {
  '01': 'manual',
  '02': 'magneticStripe',
  '05': 'chip',
  '07': 'contactless',
  '80': 'fallback',
  '81': 'ecommerce',
  '90': 'magneticStripe',
  '91': 'contactlessStripe',
  '95': 'chip',
} as const;

export type EntryMode = (typeof ENTRY_MODES)[keyof typeof ENTRY_MODES] | 'unknown';

export function entryModeOf(code: string): EntryMode {
  const mode = code.slice(0, 2);
  return Object.hasOwn(ENTRY_MODES, mode) ? (ENTRY_MODES[mode as keyof typeof ENTRY_MODES] as EntryMode) : 'unknown';
}

/** Whether a message with this entry mode must bring chip data. */
export function needsChipData(mode: EntryMode): boolean {
  return mode === 'chip' || mode === 'contactless';
}
