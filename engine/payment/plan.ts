/**
 * What a payment, or an operation on one, moves: legs between its parties, in order. Made from the payment and its terms alone, then
 * carried out here, all or none, or together with the partitions of the parties that live elsewhere (joint-payments.ts).
 */
import { Code } from '../../protocol/results.ts';
import { whyNotPosted } from '../ledger/account-states.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { findLegHold, holdLeg, postFollowingLeg, postLeg, settleLeg } from '../ledger/legs.ts';
import { campaignLegCode, payeeLegCode, payerLegCode, refundLegCode } from './leg-codes.ts';

/** Places in `Plan.accounts`. */
export const Parties = { payer: 0, payee: 1, campaign: 2, fee: 3 } as const;

export const LegActions = { post: 0, hold: 1, settle: 2 } as const;

export interface Leg {
  /** LegRoles. */
  readonly role: number;
  readonly action: number;
  readonly debit: number;
  readonly credit: number;
  /** What is posted or held, minor units. */
  readonly amount: number;
  /** Of a hold that is settled: what is given back, and the position of the leg that made it. */
  readonly released: number;
  readonly hold: number;
}

/** How the legs of a plan are judged, and their refusals told. */
export const PlanKinds = { create: 0, capture: 1, release: 2, refund: 3 } as const;

export interface Plan {
  readonly kind: number;
  /** By party: index of its account; NO_ACCOUNT when there is none, or when it lives elsewhere. */
  readonly accounts: readonly number[];
  readonly legs: readonly Leg[];
  /** Life of a hold. */
  readonly timeoutS: number;
}

export function postingLeg(role: number, debit: number, credit: number, amount: number): Leg {
  return { role, action: LegActions.post, debit, credit, amount, released: 0, hold: 0 };
}

export function holdingLeg(role: number, debit: number, amount: number): Leg {
  return { role, action: LegActions.hold, debit, credit: Parties.payee, amount, released: 0, hold: 0 };
}

/** Posts `amount` of what the leg at `hold` holds, and gives `released` back. */
export function settlingLeg(role: number, amount: number, released: number, hold: number): Leg {
  const debit = role === LegRoles.campaign ? Parties.campaign : Parties.payer;
  return { role, action: LegActions.settle, debit, credit: Parties.payee, amount, released, hold };
}

/** Whether a party of the plan lives in another partition. */
export function crosses({ accounts, legs }: Plan): boolean {
  for (const { debit, credit } of legs) {
    if (accounts[debit] === NO_ACCOUNT || accounts[credit] === NO_ACCOUNT) return true;
  }
  return false;
}

/**
 * Carries out the legs in order, until one is refused: whoever calls takes everything back then. `version`: first word of the
 * version of the payment that does it. Refusals are told in the words of a payment.
 */
export function carryOutLegs(ledger: Ledger, version: number, plan: Plan): number {
  const { accounts, legs } = plan;
  for (const leg of legs) {
    const code = tryLeg(ledger, version, plan, leg, accounts[leg.debit] as number, accounts[leg.credit] as number);
    if (code !== Code.ok) return legCode(plan.kind, leg.role, code);
  }
  return Code.ok;
}

/** Judges one leg between two accounts and carries it out; the code is the ledger's. */
export function tryLeg(ledger: Ledger, version: number, plan: Plan, leg: Leg, debit: number, credit: number): number {
  const { role, amount } = leg;
  switch (leg.action) {
    case LegActions.post:
      return plan.kind === PlanKinds.capture
        ? postFollowingLeg(ledger, version, role, debit, credit, amount)
        : postLeg(ledger, version, role, debit, credit, amount);
    case LegActions.hold:
      return holdLeg(ledger, version, role, debit, credit, amount, plan.timeoutS);
    default: {
      const frozen = amount > 0 ? whyNotPosted(ledger.accounts, debit, credit) : Code.ok;
      if (frozen === Code.ok) settleLeg(ledger, version, role, leg.hold, amount, leg.released, false);
      return frozen;
    }
  }
}

/** A refusal of the ledger in the words of a payment. */
export function legCode(kind: number, role: number, code: number): number {
  if (kind === PlanKinds.refund) return refundLegCode(code, role === LegRoles.fee);
  if (role === LegRoles.payer) return payerLegCode(code);
  return role === LegRoles.campaign ? campaignLegCode(code) : payeeLegCode(code);
}

/** What the leg at `hold` still holds. */
export function heldBy(ledger: Ledger, hold: number): number {
  return ledger.holds.remaining[findLegHold(ledger, hold)] as number;
}
