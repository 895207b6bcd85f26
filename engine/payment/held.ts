/** The end of a hold that a risk rule asked for: a sale takes the money, an authorisation goes on as one. */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { planTaking } from './capture.ts';
import { StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { PlanKinds } from './plan.ts';
import type { OperationPlan } from './version.ts';
import { whyNotReleasable } from './version.ts';

/** Lets the held payment go on whose newest version is `version`: its first one, since nothing else can follow a hold. */
export function planRelease(payments: Payments, version: DataView): OperationPlan {
  if (version.getUint8(StateField.state * 4) !== PaymentStates.held) return { code: Code.paymentNotHeld };
  const refused = whyNotReleasable(version, payments.ledger.now);
  if (refused !== Code.ok) return { code: refused };
  const operation = PaymentOperations.release;
  if (version.getUint8(StateField.state * 4 + 1) === PaymentOperations.sale) {
    const planned = planTaking(payments, version, 0, 0);
    return 'plan' in planned ? { ...planned, operation } : planned;
  }
  return {
    operation,
    plan: { kind: PlanKinds.capture, accounts: [], legs: [], timeoutS: 0 },
    change: (_words, at) => payments.setState(at, PaymentStates.authorised),
  };
}
