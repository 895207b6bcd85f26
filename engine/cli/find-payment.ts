/** The payment that a command names. */
import type { SluiceClient } from '../../protocol/client/client.ts';
import type { PaymentView } from '../../protocol/codecs/payment-query-codec.ts';
import { parseId } from '../../protocol/ids.ts';
import { readNewId } from './arguments.ts';
import { CommandFailure } from './errors.ts';
import { expectOk } from './results.ts';
import { institutionOf } from './session.ts';
import type { Terminal } from './terminal.ts';

/** By id, then by the text that `--id` turned into one, then by reference (the newest with it). */
export async function findPayment(client: SluiceClient, text: string, terminal: Terminal): Promise<PaymentView> {
  const id = parseId(text) ?? readNewId(text, institutionOf(client));
  const [found] = await client.lookupPayments([id]);
  if (found?.view !== undefined) return found.view;
  if (parseId(text) !== undefined && found !== undefined) expectOk(found, terminal);
  const page = await client.queryPayments({ reference: text, limit: 1 });
  expectOk(page, terminal);
  const newest = page.payments[0];
  if (newest === undefined) {
    throw new CommandFailure(`there is no payment with the id or reference ${text}: see "sluice payment list"`);
  }
  return newest;
}
