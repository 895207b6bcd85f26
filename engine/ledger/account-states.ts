/** What the states of two accounts allow between them. Voiding and expiry are always allowed, so nobody asks. */
import { AccountStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { Accounts } from './accounts.ts';

/** Why no new movement may be made. Asked only when one of the two is not open. */
export function whyStopped({ state }: Accounts, debit: number, credit: number): number {
  const from = state[debit] as number;
  const to = state[credit] as number;
  if (from >= AccountStates.closing) return Code.debitAccountClosed;
  if (from !== AccountStates.open) return Code.debitAccountFrozen;
  if (to >= AccountStates.closing) return Code.creditAccountClosed;
  return to === AccountStates.frozen ? Code.creditAccountFrozen : Code.ok;
}

/** Why what is pending may not be posted, nor what goes with it be moved. An account that is being closed takes part. */
export function whyNotPosted({ state }: Accounts, debit: number, credit: number): number {
  const from = state[debit] as number;
  const to = state[credit] as number;
  if (from === AccountStates.closed) return Code.debitAccountClosed;
  if (from === AccountStates.frozenForDebits || from === AccountStates.frozen) return Code.debitAccountFrozen;
  if (to === AccountStates.closed) return Code.creditAccountClosed;
  return to === AccountStates.frozen ? Code.creditAccountFrozen : Code.ok;
}
