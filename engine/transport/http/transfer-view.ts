/** A stored transfer as JSON, for the look-up and for histories. */
import { z } from 'zod';
import { TRANSFER, TRANSFER_OUTCOME, TransferFlags } from '../../../protocol/records.ts';
import type { Language } from './language.ts';
import { resultBody } from './outcome.ts';
import * as views from './views.ts';

const KINDS = ['posted', 'pending', 'post', 'void', 'expired', 'revert'] as const;
type TransferKind = (typeof KINDS)[number];

export const kindShape = z.enum(KINDS);

export const transferShape = z.strictObject({
  id: views.idText,
  kind: kindShape,
  debitAccount: views.idText.nullable(),
  creditAccount: views.idText.nullable(),
  amount: views.amountText,
  currency: views.currencyText,
  code: z.int(),
  pendingId: views.idText.nullable(),
  keepRemainder: z.boolean(),
  linked: z.boolean(),
  imported: z.boolean().meta({ description: 'History of another system: `decidedAt` is from there.' }),
  timeoutSeconds: z.int(),
  userData128: views.idText.nullable(),
  userData64: z.string(),
  userData32: z.int(),
  institution: z.int().meta({ description: 'Who asked for it.' }),
  result: views.resultShape,
  debitBalanceAfter: views.signedAmountText,
  creditBalanceAfter: views.signedAmountText,
  decidedAt: views.timeText.nullable(),
});

export function kindOfFlags(flags: number): TransferKind {
  if ((flags & TransferFlags.expired) !== 0) return 'expired';
  if ((flags & TransferFlags.pending) !== 0) return 'pending';
  if ((flags & TransferFlags.postPending) !== 0) return 'post';
  if ((flags & TransferFlags.revert) !== 0) return 'revert';
  return (flags & TransferFlags.voidPending) !== 0 ? 'void' : 'posted';
}

/** Reads TRANSFER_OUTCOME at `outcome` and TRANSFER at `transfer`. */
export function transferAt(
  view: DataView,
  outcome: number,
  transfer: number,
  language: Language,
): z.infer<typeof transferShape> {
  const at = (name: keyof typeof TRANSFER.at) => transfer + TRANSFER.at[name];
  const after = (name: keyof typeof TRANSFER_OUTCOME.at) => outcome + TRANSFER_OUTCOME.at[name];
  const flags = view.getUint16(at('flags'), true);
  return {
    id: views.idAt(view, at('id')),
    kind: kindOfFlags(flags),
    debitAccount: views.idOrNullAt(view, at('debitAccountId')),
    creditAccount: views.idOrNullAt(view, at('creditAccountId')),
    amount: views.amountAt(view, at('amount')),
    currency: views.formatCurrency(view.getUint32(at('ledger'), true)),
    code: view.getUint16(at('code'), true),
    pendingId: views.idOrNullAt(view, at('pendingId')),
    keepRemainder: (flags & TransferFlags.keepRemainder) !== 0,
    linked: (flags & TransferFlags.linked) !== 0,
    imported: (flags & TransferFlags.imported) !== 0,
    timeoutSeconds: view.getUint32(at('timeoutS'), true),
    userData128: views.idOrNullAt(view, at('userData128')),
    userData64: String(view.getBigUint64(at('userData64'), true)),
    userData32: view.getUint32(at('userData32'), true),
    institution: view.getUint32(after('institution'), true),
    result: resultBody(view.getUint16(after('code'), true), language),
    debitBalanceAfter: String(view.getBigInt64(after('debitBalanceAfter'), true)),
    creditBalanceAfter: String(view.getBigInt64(after('creditBalanceAfter'), true)),
    decidedAt: views.timeAt(view, at('timestamp')),
  };
}
