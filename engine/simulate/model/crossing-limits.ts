/** What a switch of several partitions may still refuse with `crossesPartitions`, in one place: a row goes when it can be done. */

import type { Command } from './command.ts';
import type { ReferenceLedger } from './reference-ledger.ts';
import { F } from './reference-ledger.ts';
import type { ReferencePayments } from './reference-payments.ts';
import type { ModelTransfer } from './reference-shapes.ts';

const MAY_BE_REFUSED = {
  /** Payments, captures and refunds whose payer and payee live apart. */
  payments: false,
  /** Chains with a credit account elsewhere. One whose debit accounts live apart is refused for good. */
  chains: false,
  /** Chains that take what a credit account owes and have a credit account elsewhere. */
  chainedBalancing: true,
};

/** What the outcome of a command, or of some records of it, depends on. */
export interface Unit {
  /** Records of the message: from the first to before the end. */
  readonly first: number;
  readonly end: number;
  readonly accounts: readonly bigint[];
  readonly mayBeRefused: boolean;
  /** Whether several partitions judge it, of which the first one to refuse is named. */
  readonly isJoint: boolean;
}

interface Reference {
  readonly ledger: ReferenceLedger;
  readonly payments: ReferencePayments;
}

/** The parts of a command that are decided each on its own. */
export function unitsOf(command: Command, { ledger, payments }: Reference): Unit[] {
  const whole = (accounts: readonly bigint[]): Unit[] => {
    const isJoint = crosses(ledger, accounts);
    return [{ first: 0, end: 1, accounts, mayBeRefused: MAY_BE_REFUSED.payments && isJoint, isJoint }];
  };
  switch (command.type) {
    case 'transfers':
      return chainsOf(command.items).map(({ first, items }) => unitOf(first, items, ledger));
    case 'change':
      return [{ first: 0, end: 1, accounts: [command.change.accountId], mayBeRefused: false, isJoint: false }];
    case 'sale':
    case 'authorise':
      return whole([command.payment.payerAccountId, command.payment.payeeAccountId]);
    case 'capture':
    case 'void':
    case 'refund':
    case 'revert':
      return whole(payments.partiesOf(command.operation.paymentId));
    case 'cancelPayment':
      return whole(payments.partiesOf(command.cancellation.paymentId));
    default:
      return whole([]);
  }
}

function unitOf(first: number, items: readonly ModelTransfer[], ledger: ReferenceLedger): Unit {
  const pairs = items.map(({ debitAccountId, creditAccountId, pendingId }) =>
    pendingId === 0n ? [debitAccountId, creditAccountId] : [debitAccountId, ...ledger.partiesOf(pendingId)],
  );
  const accounts = pairs.flat().filter((id) => id !== 0n);
  const isChain = items.length > 1;
  const debits = items.map(({ debitAccountId }) => debitAccountId);
  const isBalancing = items.some(({ flags }) => (flags & F.balancingCredit) !== 0);
  const isLimited = MAY_BE_REFUSED.chains || (MAY_BE_REFUSED.chainedBalancing && isBalancing);
  const mayBeRefused = isChain && (crosses(ledger, debits) || (isLimited && crosses(ledger, accounts)));
  return { first, end: first + items.length, accounts, mayBeRefused, isJoint: isChain && crosses(ledger, accounts) };
}

function chainsOf(items: readonly ModelTransfer[]): { readonly first: number; readonly items: ModelTransfer[] }[] {
  const chains: { first: number; items: ModelTransfer[] }[] = [];
  let isLinked = false;
  for (const [index, item] of items.entries()) {
    if (isLinked) chains.at(-1)?.items.push(item);
    else chains.push({ first: index, items: [item] });
    isLinked = (item.flags & F.linked) !== 0;
  }
  return chains;
}

function crosses(ledger: ReferenceLedger, accounts: readonly bigint[]): boolean {
  const [first = 0n] = accounts;
  return accounts.some((account) => ledger.isCrossing(first, account));
}
